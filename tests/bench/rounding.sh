#!/usr/bin/env bash
# rounding.sh [--llvm] CNNC DIR [CHANNELS@SIDE...]: how far the floats of 3x3 convolutions are from the truth, for each way of computing them
# (--winograd). Builds in DIR and prints a table: rounding.c says what stands in it. Status 1 where one is farther away than the agreement
# tests allow, 2e-6 for results and 1e-5 for gradients, but for --winograd=4, which may be ten times that far.
# MACHINES chooses the machines. Without layers: two that have tiles over the edge and whole ones.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
llvm=no
if [ "$1" = --llvm ]; then llvm=yes; shift; fi
cnnc=$(realpath "$1")
dir=$2
shift 2
mkdir -p "$dir"
cc=${CC:-cc}
$cc -std=c11 -O1 -D_GNU_SOURCE -I "$here/../../runtime/include" "$here/rounding.c" -o "$dir/rounding" -lm -ldl
status=0

# make NAME OPTIONS...: DIR/LAYER.NAME.so
make() {
    local name=$1
    shift
    "$cnnc" --tile=2 "$@" "$dir/$layer.cnn" -o "$dir/$layer.$name.c"
    $cc -O2 -march=native -w -fPIC -shared -I "$here/../../runtime/include" "$dir/$layer.$name.c" -o "$dir/$layer.$name.so" -lm
}

for layer in ${*:-32@9 32@8}; do
    channels=${layer%@*} side=${layer#*@}
    # layers without work on both sides: the convolution reads and writes maps, and the gradient of the input passes through
    cat > "$dir/$layer.cnn" << NET
data pictures { source npy, "x.npy", "y.npy" }
network Layer {
  input ${side}x${side}x$channels
  leaky 0.5
  conv $channels, 3x3, same, nobias
  leaky 0.5
}
train Layer on pictures { loss quadratic; epochs 1 }
NET
    make double --real=double --style=lesson
    make lesson --style=lesson
    files="$dir/$layer.lesson.so"
    for machine in ${MACHINES:-sse2 avx2 avx512}; do
        for size in off 2 4; do
            make "$machine,winograd=$size" --style=fast --layout=channels --target=$machine "--winograd=$size"
            files="$files $dir/$layer.$machine,winograd=$size.so"
        done
    done
    if [ $llvm = yes ]; then
        for size in 2 4; do
            "$cnnc" --tile=2 --style=fast --layout=channels --cpu=native "--winograd=$size" "$dir/$layer.cnn" --emit=shared -o "$dir/$layer.llvm,winograd=$size.so"
            files="$files $dir/$layer.llvm,winograd=$size.so"
        done
    fi
    "$dir/rounding" "$dir/$layer.double.so" $files | sed "s,$dir/,,"; [ "${PIPESTATUS[0]}" -eq 0 ] || status=1
done
exit $status
