#!/usr/bin/env bash
# reference.sh CNNC PAGES OUT: the manual pages and completions that were made when cnnc was built (PAGES) are in step with its tables, and right: mandoc and man find
# nothing wrong with the pages, bash and fish are asked, zsh reads its file, Vim colours and formats, VS Code's files are sound. The last line is
# `integrate: N passed, M failed`.
set -u
export LC_ALL=C
cnnc=$(realpath "$1")
pages=$(realpath "$2")
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$3
passed=0
failed=0
rm -rf "$out"
mkdir -p "$out"
cd "$out" || exit 2
have() { command -v "$1" > /dev/null 2>&1; }

ok() {
    local what=$1
    shift
    if "$@" > log 2>&1 < /dev/null; then passed=$((passed + 1)); else echo "FAIL $what: $*"; tail -n 20 log; failed=$((failed + 1)); fi
}
# same WHAT GOT WANTED
same() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else printf 'FAIL %s:\n  %s\n  instead of\n  %s\n' "$1" "$2" "$3"; failed=$((failed + 1)); fi; }

# ---- in step with --help
"$cnnc" --help > help
options=$(sed -nE 's/^  (--?[A-Za-z-]+)[ =]?.*/\1/p' help | sort -u)
for page in cnnc.1 cnnc-language.5; do
    if have mandoc; then
        mandoc -Tlint "$pages/$page" > lint 2>&1
        same "mandoc on $page" "$(cat lint)" ""
        mandoc -Tascii "$pages/$page" | sed 's/.\x08//g' > "$page.txt"
    fi
    have man && man -l /dev/null > /dev/null 2>&1 && same "man on $page" "$(MANWIDTH=100 man --warnings -l "$pages/$page" 2>&1 > /dev/null)" ""
done
if have mandoc; then
    for option in $options; do
        ok "$option in cnnc(1)"     grep -qE -- "^ *$option([ =]|\$)" cnnc.1.txt
    done
    count=0
    for layer in $(sed -n 's/.*\.name = "\([a-z0-9]*\)",.*\.summary.*/\1/p' "$top"/compiler/layers/*.c); do
        count=$((count + 1))
        ok "$layer in cnnc-language(5)" grep -qE -- "^       $layer( |\$)" cnnc-language.5.txt
    done
    ok "most layers were asked for" [ $count -ge 20 ]
    for setting in optimizer schedule batch epochs augment save labels source; do
        ok "$setting in cnnc-language(5)" grep -qE -- "^ *$setting" cnnc-language.5.txt
    done
fi
echo '@man:none@' > template
ok "a template that asks for what is not there" sh -c '! "$1" reference template' sh "$cnnc"

# ---- bash
touch net.cnn other.txt
# ask WORD...: what bash offers for the last word
ask() {
    bash -c 'source "$1"; shift; COMP_WORDS=(); for w in "$@"; do while [[ $w == *=* ]]; do COMP_WORDS+=("${w%%=*}" "="); w=${w#*=}; [ -n "$w" ] || break 2; done; COMP_WORDS+=("$w"); done
             COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _cnnc 2> /dev/null; printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd " "' bash "$pages/cnnc" "$@"
}
same "bash: styles"             "$(ask cnnc --style=)" "fast lesson unrolled"
same "bash: a style"            "$(ask cnnc --style=le)" "lesson"
same "bash: apart"              "$(ask cnnc --real d)" "double"
same "bash: an option"          "$(ask cnnc --unr)" "--unroll-budget="
same "bash: warnings"           "$(ask cnnc -Wno-dead)" "-Wno-dead-block"
same "bash: stages"             "$(ask cnnc --dump=n)" "nests net"
same "bash: commands and files" "$(ask cnnc ne)" "net.cnn new"
same "bash: networks alone"     "$(ask cnnc --infer '')" "net.cnn"
same "bash: a file"             "$(ask cnnc -o o)" "other.txt"
same "bash: every option"       "$(ask cnnc - | tr ' ' '\n' | tr -d = | sort -u)" "$options"

# ---- every word that is offered is one that cnnc takes
for option in --style --real --emit --dump --layout --target --cpu; do
    for word in $(ask cnnc "$option="); do
        ok "$option=$word"          "$cnnc" "$option=$word" --help
    done
done
for word in $(ask cnnc -W); do ok "$word" "$cnnc" "$word" --help; done
for word in $(ask cnnc -O ''); do ok "-O$word" "$cnnc" "-O$word" --help; done

# ---- zsh and fish
if have zsh; then
    ok "zsh reads it"               zsh -f -n "$pages/_cnnc"
    mkdir -p functions home && cp "$pages/_cnnc" functions/
    # A terminal of zsh's own is asked what stands behind the words.
    zsh -f > zsh.out 2>&1 << 'END'
zmodload zsh/zpty
zpty z 'HOME=$PWD/home TERM=dumb zsh -f -i'
zpty -w z "PS1= PROMPT= ; fpath=(\$PWD/functions \$fpath); autoload -Uz compinit; compinit -D -u; zstyle ':completion:*' list-rows-first yes; bindkey '^I' complete-word; setopt autolist; print READY"
zpty -r -m z line '*READY*READY*' 2> /dev/null || zpty -r -m z line '*READY*'
zpty -w -n z $'cnnc --style=le\t'
sleep 1
zpty -w -n z $'net.cnn --unroll-b\t'
sleep 1
all=
while zpty -r -t z piece; do all+=$piece; done
print -r -- "$all"
zpty -d z
END
    ok "zsh: a style, and an option" sh -c 'tr -d "\r\n" < zsh.out | grep -q -- "--style=lesson.*--unroll-budget="'
fi
if have fish; then
    export HOME=$PWD/home XDG_CONFIG_HOME=$PWD/home XDG_DATA_HOME=$PWD/home
    mkdir -p home
    fish_asked() { fish --no-config -c "source '$pages/cnnc.fish'; complete -C '$1'" 2> fish.err | cut -f 1 | sort | paste -sd ' '; }
    same "fish: styles"             "$(fish_asked 'cnnc --style=')" "--style=fast --style=lesson --style=unrolled"
    same "fish: an option"          "$(fish_asked 'cnnc --unr')" "--unroll-budget"
    same "fish: commands"           "$(fish_asked 'cnnc exp')" "explain"
    same "fish: no complaint"       "$(cat fish.err)" ""
fi

# ---- editors
if have vim; then
    mkdir -p vim/syntax vim/ftdetect vim/ftplugin
    cp "$top/grammar/cnnc.vim" vim/syntax/ && cp "$top/grammar/vim/ftdetect.vim" vim/ftdetect/cnnc.vim && cp "$top/grammar/vim/ftplugin.vim" vim/ftplugin/cnnc.vim
    printf 'network N {\n  input 28x28x1  # note\n     conv   8,3x3\n}\n' > v.cnn
    cat > asks.vim << 'END'
set nocompatible
set runtimepath^=vim
filetype plugin on
syntax on
edit v.cnn
let said = [&filetype, &shiftwidth, synIDattr(synID(1, 1, 1), "name"), synIDattr(synID(2, 4, 1), "name"), synIDattr(synID(2, 10, 1), "name"), synIDattr(synID(2, 20, 1), "name")]
normal! gggqG
call writefile([join(said)] + getline(1, '$'), 'vim.out')
quit!
END
    PATH=$(dirname "$cnnc"):$PATH vim -u NONE -es -S asks.vim < /dev/null > vim.log 2>&1
    same "vim: colours and gq" "$(cat vim.out)" "cnnc 2 cnncItem cnncLayer cnncSize cnncComment
network N {
  input 28x28x1  # note
  conv 8, 3x3
}"
fi
if have python3; then
    ok "VS Code: JSON, and every word of the language" python3 -c '
import json, re, sys
top = sys.argv[1]
package = json.load(open(top + "/grammar/vscode/package.json"))
json.load(open(top + "/grammar/vscode/language-configuration.json"))
colours = open(top + "/grammar/cnnc.tmLanguage.json").read()
assert json.loads(colours)["scopeName"] == package["contributes"]["grammars"][0]["scopeName"]
words = re.findall(r"\.text = \"(\w+)\"", open(top + "/compiler/front/tokens.c").read())
assert len(words) == 13
vim = open(top + "/grammar/cnnc.vim").read()
for word in words:
    assert re.search(r"\b" + word + r"\b", vim) and re.search(r"\b" + word + r"\b", colours), word
' "$top"
fi
have node && ok "VS Code: the extension" node --check "$top/grammar/vscode/extension.js"

echo "integrate: $passed passed, $failed failed"
[ $failed -eq 0 ]
