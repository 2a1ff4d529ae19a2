#!/bin/sh
# quickstart.sh: from a fresh Debian or Ubuntu to a trained network, in under three minutes on two cores.
#
#   examples/quickstart.sh
#
# Installs what is missing (apt-get, through sudo where needed), builds cnnc and libcnn in build/, compiles
# examples/fashion/fashion.cnn to C, and trains it, by LLVM or else by the C compiler, for two epochs: on Fashion-MNIST if it is in $CNN_DATA, data/
# or ../shared/data, else on digits that the program draws by itself. Everything it makes is in build/; it can be called again.
# CNN_EPOCHS=N trains longer, CNN_MAKER=c takes the C compiler even if LLVM is there.
set -eu

begun=$(date +%s)
top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build
work=$build/quickstart
jobs=$(nproc 2>/dev/null || echo 2)

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold='\033[1m' plain='\033[0m'; fi

say() { printf "$bold%s$plain\n" "$1"; }

fail() {
    echo "quickstart.sh: error: $1" >&2
    shift
    for help in "$@"; do echo "  help: $help" >&2; done
    exit 1
}

# run WHAT COMMAND...: the output goes to a file, and is shown if the command fails.
run() {
    what=$1 log=$work/log
    shift
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        fail "$what failed; the whole output is in $log"
    fi
}

# ---- what is needed

has() { command -v "$1" >/dev/null 2>&1; }

holds() { has cc && echo "#include <$1>" | cc -E - >/dev/null 2>&1; }

missing=''
need() { missing="$missing $1"; }
holds stdio.h || need "gcc libc6-dev"
holds zlib.h || need zlib1g-dev
has cmake || need cmake
has make || has ninja || need make
has flex || need flex
has bison || need bison

mkdir -p "$work"
if [ -n "$missing" ]; then
    has apt-get || fail "these are needed and not there:$missing" "install them with your system's packages, then call this again"
    root=''
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || fail "these are needed and not there:$missing" "as root: apt-get install$missing"
        root=sudo
    fi
    say "installing$missing"
    # shellcheck disable=SC2086 # the words are packages
    if ! { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } \
        >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        fail "apt-get could not install$missing" "is there a network?"
    fi
fi

# ---- build

say "building cnnc and libcnn in build/"
run "configuring" cmake -S "$top" -B "$build" -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=Release
run "building" cmake --build "$build" --parallel "$jobs" --target cnnc cnn_static
cnnc=$build/compiler/cnnc

# ---- data

data=digits words="digits that the program draws"
for root in "${CNN_DATA:-}" "$top/data" "$top/../shared/data"; do
    for name in fashion_mnist fashion-mnist FashionMNIST/raw; do
        file=$root/$name/train-images-idx3-ubyte
        if [ -n "$root" ] && { [ -f "$file.gz" ] || [ -f "$file" ]; }; then
            data=$(cd "$root/$name" && pwd) words="Fashion-MNIST from $data"
            break 2
        fi
    done
done

# ---- compile and train

machine=$("$top/examples/machine.sh")
epochs=${CNN_EPOCHS:-2}
# A machine that builds slowly trains slowly.
if [ -z "${CNN_EPOCHS:-}" ] && [ $(($(date +%s) - begun)) -gt 45 ]; then epochs=1; fi

# What the example expects of twenty epochs cannot be expected of two.
sed '/^ *expect/d' "$top/examples/fashion/fashion.cnn" >"$work/fashion.cnn"
cd "$work"

say "cnnc --style=lesson fashion.cnn -o fashion.c"
"$cnnc" --style=lesson fashion.cnn -o fashion.c
echo "$(wc -l <fashion.c) lines of C, forward and backward, written to be read"

# What makes the program: LLVM, if cnnc was built with it, else the C compiler.
llvm=$("$cnnc" --version | sed -n 's/.*\(LLVM [0-9]*\).*/\1/p')
maker=${CNN_MAKER:-$([ -n "$llvm" ] && echo llvm || echo c)}
if [ "$maker" = llvm ]; then
    echo "$llvm is there: cnnc makes machine code by itself, in memory"
    say "cnnc train fashion.cnn --epochs $epochs       on $words"
    "$cnnc" train fashion.cnn --data "$data" --epochs "$epochs" --save fashion.safetensors
    next="build/compiler/cnnc train build/quickstart/fashion.cnn --help     what its commands can do"
else
    [ -n "$llvm" ] && why="CNN_MAKER=c" || why="LLVM was not found"
    echo "$why: the C compiler makes the program"
    say "cnnc --main --target=$machine fashion.cnn -o fast.c; cc -O3 -march=native fast.c libcnn.a -o fashion"
    "$cnnc" --main --target="$machine" fashion.cnn -o fast.c
    # shellcheck disable=SC2046 # what libcnn.a needs are words
    run "compiling the network" cc -O3 -march=native fast.c "$build/runtime/libcnn.a" $(cat "$build/runtime/libcnn.needs") -o fashion
    say "./fashion train --epochs $epochs       on $words"
    ./fashion train --data "$data" --epochs "$epochs" --save fashion.safetensors
    next="build/quickstart/fashion help                         what its program can do"
fi

cat <<END

What next?
  less build/quickstart/fashion.c                       the network as C; look for "backward"
  $next
  build/compiler/cnnc examples/fashion/fashion.cnn      its layers, shapes and numbers
  examples/get-data.sh fashion_mnist                    the real data, if it was not there
  cd examples/fashion && make train                     the whole training: more than 92 %
  docs/LANGUAGE.md                                      what else a network can be made of
END
