" Vim settings for cnnc programs (*.cnn): indentation, comments, and `gq` by cnnc format.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1

setlocal expandtab shiftwidth=2 softtabstop=2 commentstring=#\ %s comments=:#,://
if executable("cnnc")
  setlocal formatprg=cnnc\ format\ -
endif
let b:undo_ftplugin = "setlocal expandtab< shiftwidth< softtabstop< commentstring< comments< formatprg<"
