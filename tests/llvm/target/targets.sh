#!/usr/bin/env bash
# targets.sh CNNC EXPECTED [DIR]: LeNet on other machines: an inference and a step of training give the evaluator's numbers.
#
# LLVM's object and the cross-compiled C file are linked with driver.c and run: by qemu-user for aarch64 and riscv64, by qemu-system on
# boards with a Cortex-M4, a Cortex-M7 and a riscv32imac, by node for wasm, and on this machine for the levels of x86-64. What is missing is skipped with a
# line that says so. EXPECTED is built from expected.c.
set -u
export LC_ALL=C
cnnc=$(realpath "$1")
expected=$(realpath "$2")
dir=${3:-$(mktemp -d)}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
net=$top/examples/lenet/lenet.cnn
mkdir -p "$dir"
cd "$dir" || exit 2
passed=0
failed=0
skipped=0

have() { command -v "$1" > /dev/null 2>&1; }
skip() { skipped=$((skipped + 1)); echo "skipped $1: $2"; }

# needs NAME COMMAND...: false after a line about the first command that is missing.
needs() {
    local name=$1 command
    shift
    for command in "$@"; do
        have "$command" || { skip "$name" "no $command"; return 1; }
    done
}

# try NAME RUN...: runs a program and compares its words.
try() {
    local name=$1
    shift
    if timeout 300 "$@" > words 2> errors < /dev/null && "$expected" "$net" < words > said 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        head -n 5 said errors
    fi
}

# made NAME COMMAND...: false after a line about a command that failed.
made() {
    local name=$1
    shift
    "$@" > errors 2>&1 && return 0
    failed=$((failed + 1))
    echo "FAIL $name: $*"
    head -n 5 errors
    return 1
}

common=(-I"$top/runtime/include" -O2 "$here/driver.c")

# compiled NAME OBJECT RUN COMPILER...: the program of an object or a C file.
compiled() {
    local name=$1 object=$2 run=$3
    shift 3
    # shellcheck disable=SC2086  # a command is words
    made "$name" "$@" "${common[@]}" "$object" -o program -lm && try "$name" $run ./program
}

# both NAME "CNNC OPTIONS" "COMPILER FLAGS" "RUN" MACHINE: LLVM's object and the C file, in style lesson and in style fast; the C is
# that for MACHINE.
both() {
    local name=$1 options=$2 compiler=$3 run=$4 machine=$5
    # shellcheck disable=SC2086
    {
        made "$name" "$cnnc" --style=lesson $options "$net" -o net.o && compiled "$name, lesson" net.o "$run" $compiler
        made "$name" "$cnnc" --style=fast --tile=1 $options "$net" -o net.o && compiled "$name, fast" net.o "$run" $compiler
        compiled "$name, C, lesson" lesson.c "$run" $compiler
        compiled "$name, C, fast for $machine" "fast.$machine.c" "$run" $compiler
    }
}

made "C" "$cnnc" --style=lesson "$net" -o lesson.c || exit 1
for machine in avx512 avx2 sse2 neon sve-128 rvv-128 simd128 scalar; do
    made "C for $machine" "$cnnc" --style=fast --tile=1 --target=$machine "$net" -o "fast.$machine.c" || exit 1
done

# A clang, and its linker for wasm where that is there.
clang=
linker=
for number in 19 18 17 16; do
    have clang-$number || continue
    [ -z "$clang" ] && clang=clang-$number
    [ -z "$linker" ] && have wasm-ld-$number && clang=clang-$number && linker=wasm-ld-$number
done

# ---- this machine
if [ "$(uname -m)" = x86_64 ]; then
    for level in "x86-64 sse2 sse2" "x86-64-v2 sse4_2 sse2" "x86-64-v3 avx2 avx2" "x86-64-v4 avx512f avx512"; do
        read -r cpu flag machine <<< "$level"
        if grep -qw "$flag" /proc/cpuinfo; then
            both "$cpu" "--cpu=$cpu" "${CC:-cc} -march=$cpu" "" "$machine"
        else
            skip "$cpu" "this processor has no $flag (tests/emulated has an emulator)"
        fi
    done
fi

# ---- aarch64, riscv64
if needs aarch64 aarch64-linux-gnu-gcc qemu-aarch64; then
    both aarch64 --target=aarch64-linux-gnu "aarch64-linux-gnu-gcc -static" qemu-aarch64 neon
    both "aarch64 with SVE" "--target=aarch64-linux-gnu --features=+sve" \
        "aarch64-linux-gnu-gcc -static -O3 -march=armv8.2-a+sve -msve-vector-bits=128" "qemu-aarch64 -cpu max,sve128=on" sve-128
fi
if needs riscv64 riscv64-linux-gnu-gcc qemu-riscv64; then
    both "riscv64gc" --target=riscv64-linux-gnu "riscv64-linux-gnu-gcc -static" qemu-riscv64 scalar
    if [ -z "$clang" ]; then
        skip riscv64gcv "no clang: gcc 12 makes no vectors for it"
    else
        both "riscv64gcv" "--target=riscv64-linux-gnu --features=+v" "$clang --target=riscv64-linux-gnu -march=rv64gcv -static" \
            "qemu-riscv64 -cpu rv64,v=true,vlen=128,elen=64,vext_spec=v1.0" rvv-128
    fi
fi

# ---- riscv32imac, no floating-point unit: a bare machine, with semihosting
needs riscv32imac riscv64-unknown-elf-gcc qemu-system-riscv32 && both riscv32imac --target=riscv32-unknown-elf \
    "riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 --specs=picolibc.specs --crt0=semihost --oslib=semihost
     -Wl,--defsym=__flash=0x80000000,--defsym=__flash_size=8M,--defsym=__ram=0x80800000,--defsym=__ram_size=16M" \
    "qemu-system-riscv32 -machine virt -bios none -display none -chardev stdio,id=out -semihosting-config enable=on,chardev=out -kernel" scalar

# ---- Cortex-M, with semihosting
for board in "mps2-an386 cortex-m4 fpv4-sp-d16" "mps2-an500 cortex-m7 fpv5-sp-d16"; do
    read -r machine cpu fpu <<< "$board"
    needs "$cpu" arm-none-eabi-gcc qemu-system-arm || continue
    both "$cpu" "--target=thumbv7em-none-eabihf --cpu=$cpu --features=-fp64" \
        "arm-none-eabi-gcc -mcpu=$cpu -mthumb -mfloat-abi=hard -mfpu=$fpu --specs=rdimon.specs -T $here/cortex.ld $here/cortex.c" \
        "qemu-system-arm -machine $machine -cpu $cpu -semihosting -nographic -kernel" scalar
done

# ---- wasm
wasm() {
    local object=$1 name=$2
    made "$name" "$clang" --target=wasm32 -ffreestanding -nostdlib -O2 -I"$top/runtime/include" -I. -c "$here/driver.c" -o driver.wasm.o \
        && made "$name" "$linker" --no-entry --allow-undefined --export=page_words --export=page_count driver.wasm.o "$object" -o net.wasm \
        && try "$name" node "$here/run.js" net.wasm
}

if [ -z "$linker" ]; then
    skip wasm32 "no clang and lld of one version"
elif needs wasm32 node; then
    # The C file asks for <math.h>, of which a page has what run.js gives it.
    printf 'float expf(float);\nfloat logf(float);\nfloat tanhf(float);\nfloat sqrtf(float);\n#define INFINITY __builtin_inff()\n' > math.h
    for style in lesson "fast --tile=1"; do
        # shellcheck disable=SC2086
        made wasm32 "$cnnc" --style=$style --target=wasm32-unknown-unknown "$net" -o net.o && wasm net.o "wasm32, ${style%% *}"
    done
    for file in lesson.c fast.simd128.c; do
        made "wasm32, C" "$clang" --target=wasm32 -msimd128 -ffreestanding -O2 -I. -c $file -o net.o && wasm net.o "wasm32, C, $file"
    done
fi

# Every machine that cnnc says it makes code for is one of these.
made "no target" "$cnnc" --targets

echo "llvm: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
