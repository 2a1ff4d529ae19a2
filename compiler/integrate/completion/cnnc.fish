# Completion of cnnc for fish; the tables are filled in by `cnnc reference`.
@fish:commands@
@fish:options@
complete -c cnnc -n 'not __fish_use_subcommand' -k -a '(__fish_complete_suffix .cnn)'
