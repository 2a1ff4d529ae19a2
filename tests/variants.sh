#!/usr/bin/env bash
# variants.sh CNNC OUT COMPILER... -- NET...: one C file for several machines.
#
# Compiled by plain `cc -O2` it takes the functions of the best machine that the processor is; each of its variants, and the plain C that
# other compilers get, computes the same bits as a file for that machine alone; and all of them compute the same but for rounding, on this
# machine and, where there are an emulator and a compiler, on ARM. The compilers take turns with the networks.
# The last line is `variants: N passed, M failed`.
set -u
export LC_ALL=C

cnnc=$1
out=$2
shift 2
compilers=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do compilers+=("$1"); shift; done
shift
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out" || exit 2
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

crashes() { ! "$@"; }

flags_of() {
    case $1 in
        avx512) echo "-mavx2 -mfma -mavx512f -mavx512cd -mavx512bw -mavx512dq -mavx512vl" ;;
        avx2)   echo "-mavx2 -mfma" ;;
    esac
}

processor=" $(grep -m 1 '^flags' /proc/cpuinfo 2>/dev/null) "
machines=
case $(uname -m) in
    x86_64)
        [[ $processor == *" avx512bw "* && $processor == *" avx512dq "* && $processor == *" avx512vl "* ]] && machines="avx512"
        [[ $processor == *" avx2 "* && $processor == *" fma "* ]] && machines="$machines avx2" ;;
esac
machines="$machines sse2"
best=${machines# }
best=${best%% *}
warnings="-std=c11 -Wall -Wextra -Werror -Wconversion -Wshadow -pedantic"
turn=0

# shellcheck disable=SC2086  # flags are words
for net in "$@"; do
    name=$(basename "$net" .cnn)
    options=$(sed -n 's/^# cnnc: //p' "$net")
    cc=${compilers[turn % ${#compilers[@]}]}
    turn=$((turn + 1))
    model=$("$cnnc" $options "$net" -o - | sed -n 's/^extern const cnn_model \(.*\);/\1/p')
    drive="$here/variants.c -I $here/../runtime/include -DMODEL=$model -lm"
    base=$out/$name
    try "$name" "$cnnc" $options --style=fast "$net" -o "$base.c" || continue
    tile=$(sed -n 's/^#define [A-Z_]*TILE *\([0-9]*\) .*/\1/p' "$base.c")
    for compiler in "${compilers[@]}"; do
        try "$name by $compiler" $compiler $warnings -O2 -c "$base.c" -o "$base.o"
    done
    for machine in $machines scalar; do
        try "$name, $machine alone" "$cnnc" $options --style=fast --target=$machine --tile="$tile" "$net" -o "$base.$machine.c"
        try "$name, $machine alone, by $cc" $cc -O2 $(flags_of $machine) "$base.$machine.c" $drive -o "$base.$machine"
        try "$name, $machine alone, runs" "$base.$machine" "$base.$machine.bin"
        several=$base.c
        force=-DCNN_MACHINE=machine_$machine
        if [ $machine = scalar ]; then                  # a compiler that is not GNU, once the C library has been read
            several=$base.plain.c
            force=
            printf '#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#undef __GNUC__\n#include "%s.c"\n' "$name" > "$several"
        fi
        try "$name, $machine of several, by $cc" $cc -O2 $force -c "$several" -o "$base.o" \
            && try "$name, $machine of several, linked" $cc -O2 "$base.o" $drive -o "$base.several" \
            && try "$name: $machine of several has the bits of $machine alone" "$base.several" "$base.$machine.bin" same
        try "$name: $machine is near $best" "$base.$machine" "$base.$best.bin" near
    done
    try "$name by $cc -O2" $cc -O2 "$base.c" $drive -o "$base" && try "$name: it has the bits of $best" "$base" "$base.$best.bin" same
    # Without the others it goes on, without that one it does not.
    sed "/return &machine_$best;/!s/return &machine_[a-z0-9]*;/return 0;/" "$base.c" > "$base.best.c"
    sed "s/return &machine_$best;/return 0;/" "$base.c" > "$base.rest.c"
    try "$name, $best, by $cc" $cc -O0 -w "$base.best.c" $drive -o "$base.best" && try "$name: it takes $best" "$base.best" "$base.chosen.bin"
    try "$name, the rest, by $cc" $cc -O0 -w "$base.rest.c" $drive -o "$base.rest" \
        && try "$name: it takes no other than $best" crashes "$base.rest" "$base.chosen.bin"
    if command -v qemu-aarch64 > /dev/null && command -v aarch64-linux-gnu-gcc > /dev/null; then
        try "$name, neon" "$cnnc" $options --style=fast --target=neon --tile="$tile" "$net" -o "$base.neon.c"
        for arm in "$base.neon" "$base"; do
            try "$arm.c for ARM" aarch64-linux-gnu-gcc -O2 -static "$arm.c" $drive -o "$arm.arm" \
                && try "$arm.c on ARM" qemu-aarch64 "$arm.arm" "$base.$best.bin" near
        done
    fi
done
echo "variants: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
