#!/usr/bin/env bash
# larger.sh CNNC BENCH_RANDOM DIR SEED COUNT [FILE.cnn...]: random networks whose maps are large enough for bands, blocks and cuts compile, and so do
# those of files (tests/networks: as people build them).
#
# Networks of some million multiply-adds, which the evaluator and kinks keep agree from comparing, go through every pass of the fast style in
# tiles and layouts of each kind; the compiler verifies its programs itself. None may crash, hang or meet an internal error. Those that it refuses
# with an error of its own are counted.
set -u
cnnc=$(realpath "$1")
random=$(realpath "$2")
mkdir -p "$3"
dir=$(realpath "$3")
seed=$4
count=$5
shift 5
compiled=0
refused=0
failed=0

nets=("$@")
for ((i = seed; i < seed + count; i++)); do
    "$random" "$i" 2000000 > "$dir/larger$i.cnn" || exit 1
    nets+=("$dir/larger$i.cnn")
done
for net in "${nets[@]}"; do
    for options in "--tile=1" "--tile=1 --infer" "--tile=8 --layout=images" "--tile=8 --layout=channels" "--tile=32" "--tile=5 --layout=channels --target=sse2" \
        "--target=x86-64-v2,x86-64-v3,x86-64-v4"; do
        # shellcheck disable=SC2086
        timeout 60 "$cnnc" --style=fast --target=avx2 $options "$net" -o "$dir/larger.c" > "$dir/larger.log" 2>&1
        status=$?
        if [ $status -eq 0 ]; then
            compiled=$((compiled + 1))
        elif [ $status -eq 1 ] && ! grep -q 'internal error' "$dir/larger.log"; then
            refused=$((refused + 1))
        else
            echo "$net, $options: status $status"
            head -n 3 "$dir/larger.log"
            failed=$((failed + 1))
        fi
    done
done
echo "agree: ${#nets[@]} larger networks, $compiled compiled, $refused refused, $failed failed"
[ $failed -eq 0 ] && [ $compiled -gt 0 ]
