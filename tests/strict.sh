#!/usr/bin/env bash
# strict.sh CNNC OUT COMPILER... -- NET...: is generated C as strict as the contract says?
#
# For every network and compiler: the lesson file, in float and in double, and the header alone compile as C11 without a warning under
# -Wall -Wextra -Wconversion -pedantic; the inference file also freestanding, and then asks for nothing but functions of libm (and the
# memcpy, memset, memmove and memcmp that compilers may call by themselves). The last line is `strict: N passed, M failed`.
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

for net in "$@"; do
    name=$(basename "$net" .cnn)
    options=$(sed -n 's/^# cnnc: //p' "$net")
    # shellcheck disable=SC2086  # options and flags are words
    {
        try "$name" "$cnnc" $options "$net" -o "$out/$name.c" -o "$out/$name.h" || continue
        try "$name, double" "$cnnc" $options --real=double "$net" -o "$out/$name.double.c"
        try "$name, inference" "$cnnc" $options --infer "$net" -o "$out/$name.infer.c"
        for cc in "${compilers[@]}"; do
            try "$name.c" $cc $strict -O1 -c "$out/$name.c" -o "$out/$name.o"
            try "$name.double.c" $cc $strict -O0 -c "$out/$name.double.c" -o "$out/$name.double.o"
            printf '#include "%s.h"\n#include "%s.h"\nint main(void);\nint main(void) { return 0; }\n' "$name" "$name" > "$out/$name.use.c"
            try "$name.h" $cc $strict -fsyntax-only "$out/$name.use.c"
            try "$name.infer.c" $cc $strict -O1 -ffreestanding -nostdlib -c "$out/$name.infer.c" -o "$out/$name.infer.o" || continue
            for symbol in $(nm -u "$out/$name.infer.o" | awk '{ print $NF }'); do
                case "$libm$free" in
                    *" $symbol "*) ;;
                    *) try "$name.infer.c asks for $symbol" false ;;
                esac
            done
        done
    }
done
echo "strict: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
