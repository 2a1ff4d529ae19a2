# Completion of cnnc for bash; the tables are filled in by `cnnc reference`.
_cnnc()
{
    local current=${COMP_WORDS[COMP_CWORD]} option='' commands options words='' files=''
@bash:commands@
@bash:options@
    # bash takes --style=fast apart at the sign
    if [[ $current == '=' ]]; then
        option=${COMP_WORDS[COMP_CWORD - 1]} current=''
    elif ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} == '=' ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif ((COMP_CWORD > 0)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} == -* && " ${options//=/} " == *" ${COMP_WORDS[COMP_CWORD - 1]} "* ]]; then
        option=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    [[ $current == -W* ]] && option=-W
    case $option in
@bash:values@
    *) option='' ;;
    esac
    COMPREPLY=()
    if [[ $option == -W && $current == -W* ]]; then
        mapfile -t COMPREPLY < <(compgen -P -W -W "$words" -- "${current#-W}")
    elif [[ -n $words ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    elif [[ -n $files ]]; then
        compopt -o filenames 2> /dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2> /dev/null
    else
        ((COMP_CWORD == 1)) && mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
        compopt -o filenames 2> /dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.cnn' -- "$current"; compgen -d -- "$current")
    fi
    return 0
}
complete -F _cnnc cnnc
