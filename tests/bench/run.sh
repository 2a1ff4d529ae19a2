#!/usr/bin/env bash
# run.sh [--quick] [--prepare] [--page] [--rounds=N] [--seconds=S] [PIECE...]: how fast compiled networks are, against others. A program, not a
# test: its figures depend on the machine, which should have nothing else to do.
#
#   PIECE...         lenet fashion cifar vgg16 mlp (a network; lenet.train and lenet.infer are the halves of it), resnet50 vgg mobilenet others
#                    (convolutions one by one), threads (two against one), compile (how long compiling takes, how much comes out, memory);
#                    all of them without one
#   --prepare        only builds and installs what the pieces need: afterwards they measure and do nothing else
#   --quick          lenet, fashion and cifar in under two minutes, one instruction set, nothing kept
#   --page           only writes docs/PERFORMANCE.md and docs/performance.svg anew, from what was kept
#   --rounds=N       turns of each contestant (5)         --seconds=S   length of a turn (0.12)
#   CNNC_BENCH=DIR   where programs are built (build-bench/)
#   CNNC_BUILD=DIR   a build of cnnc to measure; without it one is built
#
# What is kept goes to tests/bench/last.json, and from there to the page and the picture. What is not installed is installed by apt-get or
# npm where that can be done, else left out with a line that says so.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 2
top=$PWD
out=$(realpath -m "${CNNC_BENCH:-build-bench}")
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cnnc-bench

for word in "$@"; do
    case $word in
        --quick | --prepare | --rounds=* | --seconds=*) ;;
        --page) exec python3 tests/bench/report.py ;;
        -*) sed -n '2,18s/^# \{0,1\}//p' "$top/tests/bench/run.sh"; exit 2 ;;
    esac
done
mkdir -p "$out" || exit 2

have() { command -v "$1" > /dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; elif have sudo; then sudo -n "$@"; else return 1; fi
}

# By its packages: PyTorch without an optimised BLAS would be a weak rival.
install_missing() {
    local wished=''
    /usr/bin/python3 -c 'import torch, onnx' > /dev/null 2>&1 || wished="$wished python3-torch python3-onnx"
    ls /usr/lib/*/openblas-pthread/libopenblas.so.0 > /dev/null 2>&1 || wished="$wished libopenblas0-pthread"
    [ -e /usr/include/dnnl.hpp ] || wished="$wished libdnnl-dev"
    have g++ || wished="$wished g++"
    have clang || have clang-19 || wished="$wished clang"
    if [ -n "$wished" ] && have apt-get; then
        echo "installing$wished"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q > "$out/apt.log" 2>&1 < /dev/null
        for package in $wished; do
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package" >> "$out/apt.log" 2>&1 < /dev/null \
                || echo "skip  $package: it could not be installed"
        done
    fi
    if have node && have npm && [ ! -d "$cache/node_modules/onnxruntime-node" ]; then
        echo "installing onnxruntime-node into $cache"
        mkdir -p "$cache" && npm install --prefix "$cache" --ignore-scripts --no-audit --no-fund onnxruntime-node > "$out/npm.log" 2>&1 \
            || echo "skip  onnxruntime-node: npm could not install it"
    fi
}

build=${CNNC_BUILD:-$out/cnnc}
build=$(realpath -m "$build")
if [ -z "${CNNC_BUILD:-}" ]; then
    { cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF && cmake --build "$build" -j "$(nproc)"; } > "$out/build.log" 2>&1 \
        || { echo "bench: cnnc could not be built; see $out/build.log"; tail -n 20 "$out/build.log"; exit 1; }
fi
install_missing
exec python3 tests/bench/bench.py "$out" "$cache" "$build" "$@"
