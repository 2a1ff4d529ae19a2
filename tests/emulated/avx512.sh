#!/usr/bin/env bash
# avx512.sh CNNC AGREE OUT [SEED COUNT]: code for AVX-512, run on an emulated processor that has it (machine.sh).
#
# COUNT random networks from SEED, by C and by LLVM, against the reference (tests/random/agree.c); and the C files for several machines of
# tests/variants.sh: plain `cc -O2` takes AVX-512 there, with the bits of a file for AVX-512 alone, near those of AVX2.
# Everything is compiled here and only compared there. The last line is `avx512: N passed, M failed`; status 77 if there is no emulator.
set -u
export LC_ALL=C

cnnc=$1
agree=$2
out=$3
seed=${4:-1}
count=${5:-8}
here=$(cd "$(dirname "$0")" && pwd)
tests=$here/..
compilers=(gcc)
command -v clang-19 > /dev/null && compilers+=(clang-19)
minutes=$((3 + count / 2))                              # for the emulated part: half a minute to start, ten seconds a network

rm -rf "$out/root" && mkdir -p "$out/root/made" || exit 2
root=$out/root

# ---- compile
networks=(--for=avx512 --seed="$seed" --count="$count")
for cc in "${compilers[@]}"; do
    flags=
    [[ $cc == clang* ]] && flags=" -mno-gather -mno-scatter"     # agree.c says why
    networks+=("--cc=$cc -O2 -w$flags" "--cc=$cc -O0 -w")
done
"$cnnc" --version | grep -q 'LLVM [0-9]' && networks+=(--llvm)
"$agree" --make --cnnc="$cnnc" --dir="$root/made" --jobs=2 "${networks[@]}" || exit 1
find "$root/made" -name '*.log' -delete
cp "$agree" "$root/agree"
ldd "$agree" | grep -o '/[^ ]*' | while read -r library; do mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"; done

variants=
for net in normal border; do
    options=$(sed -n 's/^# cnnc: //p' "$tests/golden/c/$net.cnn")
    for cc in "${compilers[@]}"; do
        name=$net.$cc
        file=$out/$name
        # shellcheck disable=SC2086  # flags are words
        model=$("$cnnc" $options "$tests/golden/c/$net.cnn" -o - | sed -n 's/^extern const cnn_model \(.*\);/\1/p')
        drive=("$tests/variants.c" "-I$tests/../runtime/include" "-DMODEL=$model" -static -lm)
        # shellcheck disable=SC2086
        "$cnnc" $options --style=fast "$tests/golden/c/$net.cnn" -o "$file.c" || exit 1
        tile=$(sed -n 's/^#define [A-Z_]*TILE *\([0-9]*\) .*/\1/p' "$file.c")
        # shellcheck disable=SC2086
        for machine in avx2 avx512; do
            "$cnnc" $options --style=fast --target=$machine --tile="$tile" "$tests/golden/c/$net.cnn" -o "$file.$machine.c" || exit 1
        done
        "$cc" -O2 -mavx2 -mfma "$file.avx2.c" "${drive[@]}" -o "$file.avx2" && "$cc" -O2 -march=x86-64-v4 "$file.avx512.c" "${drive[@]}" -o "$root/$name.alone" \
            && "$cc" -O2 "$file.c" "${drive[@]}" -o "$root/$name.several" && "$file.avx2" "$root/$name.avx2" || exit 1
        sed 's/return &machine_avx512;/return 0;/' "$file.c" > "$file.without.c"
        "$cc" -O0 -w "$file.without.c" "${drive[@]}" -o "$root/$name.without" || exit 1
        variants="$variants $name"
    done
done

# ---- compare
cat > "$root/test" <<END
failed=0
grep -q avx512vl /proc/cpuinfo || { echo "the emulated processor has no AVX-512"; exit 1; }
try() { label=\$1; shift; if "\$@" > /tmp/log 2>&1; then echo "ok \$label"; else echo "FAIL \$label: \$*"; cat /tmp/log; failed=1; fi; }
crashes() { ! "\$@"; }
for name in $variants; do
    try "\$name, AVX-512 alone, runs" /\$name.alone /tmp/\$name
    try "\$name: plain -O2 of several has the bits of AVX-512 alone" /\$name.several /tmp/\$name same
    try "\$name: of several it takes AVX-512" crashes /\$name.without /tmp/\$name
    try "\$name: AVX-512 is near AVX2" /\$name.alone /\$name.avx2 near
done
try "$count random networks from $seed agree" /agree --made --dir=/made --jobs=1 ${networks[*]@Q}
cat /tmp/log
exit \$failed
END
bash "$here/machine.sh" "$root" "$out/machine" $((minutes * 60)) > "$out/log"
status=$?
grep -v '^ok ' "$out/log"
[ $status -eq 77 ] && exit 77
echo "avx512: $(grep -c '^ok ' "$out/log") passed, $(grep -c '^FAIL ' "$out/log") failed"
[ $status -eq 0 ]
