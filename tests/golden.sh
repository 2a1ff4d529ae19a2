#!/usr/bin/env bash
# golden.sh CNNC [--update] [PART...]: texts of the compiler compared byte by byte with files that people have reviewed.
#
#   messages   tests/golden/messages/NAME.cnn: stderr of the compiler is NAME.err, run in that folder. Status 1 where an error is
#              in it, 0 where there are warnings only.
#   dumps      tests/golden/dumps/NAME.cnn: `--style=lesson --dump=STAGE` prints NAME.STAGE, for every such file.
#   c          tests/golden/c/NAME.cnn: `--style=STYLE` writes NAME.STYLE.c, for every such file; cnn/model.h in it is left out.
#   inspect    tests/golden/inspect/commands: what cnnc prints for the arguments of each line.
#
# A line `# cnnc: OPTIONS` anywhere in a net adds options. `--update` rewrites the files (and makes those of a new net);
# the difference is then reviewed with git. The last line is `golden: N passed, M failed`.
set -u
export LC_ALL=C

cnnc=$(realpath "${1:?usage: golden.sh CNNC [--update] [PART...]}")
shift
update=no
if [ "${1-}" = --update ]; then update=yes; shift; fi
parts=${*:-messages dumps c inspect}
here=$(cd "$(dirname "$0")" && pwd)/golden
stages="ast net nests adjoint tidy memory"
styles="lesson unrolled"
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

options_of() { sed -n 's/^# cnnc: //p' "$1"; }

# same GOT WANT LABEL: compares, or stores what we got.
same() {
    if [ "$update" = yes ]; then
        cmp -s "$1" "$2" || { cp "$1" "$2" && echo "updated $3"; }
        passed=$((passed + 1))
    elif [ ! -f "$2" ]; then
        echo "FAIL $3: there is no golden file; review and add it with --update"
        failed=$((failed + 1))
    elif cmp -s "$1" "$2"; then
        passed=$((passed + 1))
    else
        echo "FAIL $3"
        diff -u --label "golden" --label "now" "$2" "$1" | head -n 60
        failed=$((failed + 1))
    fi
}

# ended GOT WANT LABEL LOG: the exit status is as it should be.
ended() {
    [ "$1" -eq "$2" ] && return 0
    echo "FAIL $3: exit status $1 instead of $2"
    head -n 20 "$4"
    failed=$((failed + 1))
    return 1
}

messages() {
    cd "$here/messages" || return
    local file name status want
    for file in *.cnn; do
        [ -f "$file" ] || continue
        # A file that is only there to be imported by another has no messages of its own.
        grep -q '^# imported by ' "$file" && continue
        name=${file%.cnn}
        # shellcheck disable=SC2046  # options are words
        timeout 60 "$cnnc" $(options_of "$file") "$file" -o "$tmp/out.c" > "$tmp/stdout" 2> "$tmp/err" < /dev/null
        status=$?
        want=0
        grep -qE '(^|: )error: ' "$tmp/err" && want=1
        [ -s "$tmp/err" ] || want=1             # a file in here that says nothing is wrong
        ended $status $want "messages/$file" "$tmp/err" || continue
        if [ -s "$tmp/stdout" ]; then
            echo "FAIL messages/$file: something on stdout"
            failed=$((failed + 1))
            continue
        fi
        same "$tmp/err" "$name.err" "messages/$name.err"
    done
    for file in *.err; do
        [ -f "$file" ] && [ ! -f "${file%.err}.cnn" ] && { echo "FAIL messages/$file belongs to no net"; failed=$((failed + 1)); }
    done
}

dumps() {
    cd "$here/dumps" || return
    local file name stage found
    for file in *.cnn; do
        [ -f "$file" ] || continue
        name=${file%.cnn}
        found=no
        for stage in $stages; do [ -f "$name.$stage" ] && found=yes; done
        if [ $found = no ] && [ $update = no ]; then
            echo "FAIL dumps/$file: there is no golden file; review and add it with --update"
            failed=$((failed + 1))
        fi
        for stage in $stages; do
            [ -f "$name.$stage" ] || { [ $update = yes ] && [ $found = no ]; } || continue
            # shellcheck disable=SC2046
            timeout 60 "$cnnc" $(options_of "$file") --style=lesson --dump=$stage "$file" > "$tmp/$stage" 2> "$tmp/err" < /dev/null
            ended $? 0 "dumps/$name.$stage" "$tmp/err" || continue
            same "$tmp/$stage" "$name.$stage" "dumps/$name.$stage"
        done
    done
}

c() {
    cd "$here/c" || return
    local file name style found
    for file in *.cnn; do
        [ -f "$file" ] || continue
        name=${file%.cnn}
        found=no
        for style in $styles; do [ -f "$name.$style.c" ] && found=yes; done
        if [ $found = no ] && [ $update = no ]; then
            echo "FAIL c/$file: there is no golden file; review and add it with --update"
            failed=$((failed + 1))
        fi
        for style in $styles; do
            [ -f "$name.$style.c" ] || { [ $update = yes ] && [ $found = no ]; } || continue
            # shellcheck disable=SC2046
            timeout 60 "$cnnc" $(options_of "$file") --style=$style "$file" -o - > "$tmp/$style.c" 2> "$tmp/err" < /dev/null
            ended $? 0 "c/$name.$style.c" "$tmp/err" || continue
            # The contract is the same text in all of them, and has its own file.
            sed -i '/^\/\* cnn\/model\.h: /,/^#endif$/c /* ... the text of cnn/model.h ... */' "$tmp/$style.c"
            same "$tmp/$style.c" "$name.$style.c" "c/$name.$style.c"
        done
    done
}

# The lines of `commands` are `FILE: ARGUMENTS`: what cnnc prints for them.
inspect() {
    cd "$here/inspect" || return
    local name words status
    while IFS=: read -r name words; do
        case $name in ''|\#*) continue ;; esac
        # shellcheck disable=SC2086  # arguments are words
        timeout 60 "$cnnc" $words > "$tmp/out" 2> "$tmp/err" < /dev/null
        status=$?
        cat "$tmp/err" >> "$tmp/out"
        ended $status "$([ -s "$tmp/err" ] && echo 1 || echo 0)" "inspect/$name" "$tmp/err" || continue
        same "$tmp/out" "$name" "inspect/$name"
    done < commands
}

for part in $parts; do
    case $part in
        messages|dumps|c|inspect) $part ;;
        *) echo "golden.sh: there is no part '$part'"; exit 2 ;;
    esac
done
echo "golden: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
