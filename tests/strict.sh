#!/usr/bin/env bash
# strict.sh CNNC OUT COMPILER... -- NET...: is generated C as strict as the contract says?
#
# For every network and compiler: the file in styles lesson and fast, in float and (lesson) in double, and the header alone compile as C11
# without a warning under -Wall -Wextra -Wconversion -pedantic; the inference file of both styles also freestanding, and then asks for
# nothing but functions of libm (and the memcpy, memset, memmove and memcmp that compilers may call by themselves). Of files of a megabyte
# the last compiler alone makes code, the others look for what to warn of: gcc takes five times as long as clang for them.
# The last line is `strict: N passed, M failed`.
set -u
export LC_ALL=C

cnnc=$1
out=$2
shift 2
compilers=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do compilers+=("$1"); shift; done
shift
mkdir -p "$out" || exit 2
strict="-std=c11 -Wall -Wextra -Werror -Wconversion -Wshadow -pedantic"
libm=' expf exp logf log log1pf log1p sqrtf sqrt tanhf tanh erff erf fabsf fabs fmaxf fmax fminf fmin powf pow '
free=' memcpy memset memmove memcmp '
passed=0
turn=0                          # the large files of style fast are for one compiler after the other
failed=0

# try LABEL COMMAND...
try() {
    local label=$1
    shift
    if "$@" > "$out/log" 2>&1 < /dev/null; then
        passed=$((passed + 1))
        return 0
    fi
    echo "FAIL $label: $*"
    head -n 20 "$out/log"
    failed=$((failed + 1))
    return 1
}

# is_below BYTES FILE
is_below() {
    [ "$(wc -c < "$2")" -lt "$1" ]
}

# The names that an object asks for are those of libm.
asks_for_libm() {
    local symbol
    for symbol in $(nm -u "$1" | awk '{ print $NF }'); do
        case "$libm$free" in
            *" $symbol "*) ;;
            *) try "$1 asks for $symbol" false ;;
        esac
    done
}

for net in "$@"; do
    name=$(basename "$net" .cnn)
    options=$(sed -n 's/^# cnnc: //p' "$net")
    # shellcheck disable=SC2086  # options and flags are words
    {
        for style in lesson fast; do
            base=$out/$name.$style
            try "$name, $style" "$cnnc" $options --style=$style "$net" -o "$base.c" -o "$base.h" || continue 2
            try "$name, $style, inference" "$cnnc" $options --style=$style --infer "$net" -o "$base.infer.c"
        done
        try "$name, double" "$cnnc" $options --style=lesson --real=double "$net" -o "$out/$name.double.c"
        for cc in "${compilers[@]}"; do
            level=-O1                                           # gcc 12 has met an internal error at -O3
            [ "$cc" = "${compilers[0]}" ] && is_below 300000 "$out/$name.double.c" && level=-O3
            try "$name.double.c" $cc $strict $level -c "$out/$name.double.c" -o "$out/$name.double.o"
            for style in lesson fast; do
                base=$out/$name.$style
                level=-O1
                [ $style = fast ] && level=-O0          # the large files
                if ! is_below 1000000 "$base.c"; then
                    as=-fsyntax-only
                    [ "$cc" = "${compilers[-1]}" ] && as="$level -c -o $base.o"
                    try "$base.c" $cc $strict $as "$base.c"
                elif [ $style = lesson ] || [ "$cc" = "${compilers[turn % ${#compilers[@]}]}" ]; then
                    try "$base.c" $cc $strict $level -c "$base.c" -o "$base.o"
                fi
                printf '#include "%s.h"\n#include "%s.h"\nint main(void);\nint main(void) { return 0; }\n' "$name.$style" "$name.$style" > "$base.use.c"
                try "$base.h" $cc $strict -fsyntax-only "$base.use.c"
                try "$base.infer.c" $cc $strict $level -ffreestanding -nostdlib -c "$base.infer.c" -o "$base.infer.o" && asks_for_libm "$base.infer.o"
            done
        done
    }
    turn=$((turn + 1))
done
echo "strict: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
