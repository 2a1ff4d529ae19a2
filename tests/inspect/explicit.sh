#!/usr/bin/env bash
# explicit.sh CNNC DIR NET...: what --explicit prints makes the same network: the same nests, tensors and settings; and it is already explicit.
# Names given within blocks and repeats have a '.', which becomes a '_'.
set -u
export LC_ALL=C
cnnc=$1
dir=$2
shift 2
mkdir -p "$dir" || exit 2
passed=0
failed=0

# What the programs of a network are: nests with their tensors, and the settings.
essence() {
    # shellcheck disable=SC2046  # options are words
    "$cnnc" $(sed -n 's/^# cnnc: //p' "$1" | tr -d '\r') --dump=tidy "$1" 2> /dev/null | sed -E 's/([a-zA-Z_]*[0-9]+)\.([a-z]+)(\.| *$)/\1_\2\3/g; s/\./_/g'
    "$cnnc" --dump=net "$1" 2> /dev/null | sed '1,/^recipe/d; s/\./_/g'
}

for net in "$@"; do
    # shellcheck disable=SC2046
    "$cnnc" $(sed -n 's/^# cnnc: //p' "$net") --explicit "$net" > "$dir/explicit.cnn" 2> "$dir/log" || { echo "FAIL $net is not compiled"; failed=$((failed + 1)); continue; }
    essence "$net" > "$dir/want"
    essence "$dir/explicit.cnn" > "$dir/got"
    "$cnnc" --explicit "$dir/explicit.cnn" > "$dir/again.cnn" 2> "$dir/log"
    if [ -s "$dir/want" ] && cmp -s "$dir/want" "$dir/got" && cmp -s "$dir/explicit.cnn" "$dir/again.cnn"; then
        passed=$((passed + 1))
    else
        echo "FAIL $net"
        "$cnnc" "$dir/explicit.cnn" 2>&1 > /dev/null | grep error | head -n 3
        diff "$dir/want" "$dir/got" | head -n 10
        diff "$dir/explicit.cnn" "$dir/again.cnn" | head -n 10
        failed=$((failed + 1))
    fi
done
echo "explicit: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
