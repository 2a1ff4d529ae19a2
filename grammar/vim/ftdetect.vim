" Programs of cnnc are known by their ending.
autocmd BufRead,BufNewFile *.cnn setfiletype cnnc
