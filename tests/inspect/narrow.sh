#!/usr/bin/env bash
# narrow.sh CNNC NET...: `cnnc summary` fits into terminals: no line is wider, and what is left out is named. In a pipe everything is there.
set -u
export LC_ALL=C.UTF-8 TERM=xterm
cnnc=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
shift
passed=0
failed=0

check() { if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1"; fi; }

widest() { python3 -c 'import sys; print(max(len(l.rstrip()) for l in sys.stdin))'; }

for net in "$@"; do
    whole=$("$cnnc" summary "$net")
    for columns in 80 100 200; do
        shown=$(python3 "$here/in_terminal.py" $columns "$cnnc" summary "$net" < /dev/null | tr -d '\r')
        [ "$(echo "$shown" | widest)" -lt $columns ]
        check "$net: in $columns columns a line is $(echo "$shown" | widest) wide" $?
        if [ "$(echo "$whole" | grep -v '|' | widest)" -lt $columns ]; then
            ! echo "$shown" | grep -q '^left out' && echo "$shown" | grep -q 'how its size comes about'
        else
            echo "$shown" | grep -q '^left out in [0-9]* columns: how its size comes about'
        fi
        check "$net: what is left out in $columns columns" $?
    done
    python3 "$here/in_terminal.py" 5 "$cnnc" summary "$net" < /dev/null | grep -q '^left out in 4 columns'
    check "$net: in a terminal of 5 columns" $?
    echo "$whole" | head -n 3 | grep -q 'how its size comes about.*sees' && ! echo "$whole" | grep -q '^left out'
    check "$net: all is there in a pipe" $?
done
echo "narrow: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
