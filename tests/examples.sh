#!/usr/bin/env bash
# examples.sh CNNC LIBCNN.a OUT "CC FLAGS" "PLAIN CC" [PYTHON]: the examples as people use them. PLAIN CC compiles those whose speed does not matter.
#
#   - a smaller fashion.cnn trains on Fashion-MNIST where it is found ($CNN_DATA, data/, ../shared/data), else on drawn digits, and gets
#     far better than chance; a linear network stays behind it on the digits;
#   - two runs with one seed, and a run on one thread, write the same bytes;
#   - a torch.nn.Sequential loads the checkpoint without permuting anything and predicts the same classes (with PYTHON that has torch);
#   - every example compiles and links with its program; perceptron and edges run as their Makefiles say.
# The last line is `examples: N passed, M failed`.
set -u
export LC_ALL=C
top=$(cd "$(dirname "$0")/.." && pwd)
cnnc=$1
libcnn=$2
out=$3
cc=$4
plain=$5
python=${6-}
passed=0
failed=0

rm -rf "$out"
mkdir -p "$out"
cd "$out" || exit 2

# try WHAT COMMAND...
try() {
    local what=$1
    shift
    if "$@" > log 2>&1 < /dev/null; then
        passed=$((passed + 1))
        return 0
    fi
    echo "FAIL $what: $*"
    tail -n 20 log
    failed=$((failed + 1))
    return 1
}

# program NAME CNN OPTIONS...: compiles a network with its command line.
program() {
    local name=$1 net=$2
    shift 2
    # What an example expects of all its epochs cannot be expected of a few steps.
    sed '/^ *expect *accuracy/d' "$net" > "$name.cnn"
    try "$name becomes C" "$cnnc" --main "$@" "$name.cnn" -o "$name.c" || return 1
    # shellcheck disable=SC2046,SC2086  # the compiler and its flags are words
    try "$name becomes a program" $cc "$name.c" "$libcnn" $(cat "${libcnn%.a}.needs") -o "$name"
}

# accuracy LOG: per cent of the test set, without the point and what follows.
accuracy() { sed -nE 's/^test accuracy ([0-9]+).*/\1/p' "$1" | tail -n 1; }

# at_least NUMBER WHAT LOG
at_least() {
    local got
    got=$(accuracy "$3")
    if [ -n "$got" ] && [ "$got" -ge "$1" ]; then
        passed=$((passed + 1))
        echo "$2: $got %"
    else
        echo "FAIL $2: test accuracy '$got' instead of at least $1 %"
        tail -n 20 "$3"
        failed=$((failed + 1))
    fi
}

# find_data FOLDER...: the first place that has training images.
find_data() {
    local root name file
    for root in "${CNN_DATA-}" "$top/data" "$top/../shared/data"; do
        [ -n "$root" ] || continue
        for name in "$@"; do
            for file in "$root/$name"/train-images*; do
                [ -e "$file" ] && { realpath "$root/$name"; return; }
            done
        done
    done
    return 1
}

fashion() {
    local data steps=200 rate=65
    program fashion "$top/examples/fashion/fashion.cnn" -D filters=8 --tile=4 || return
    if ! data=$(find_data fashion-mnist fashion_mnist FashionMNIST/raw); then
        echo "Fashion-MNIST is not in \$CNN_DATA, data/ or ../shared/data: training on digits that the program draws"
        data=digits steps=300           # the linear network of digits() gets 64 % of them: they take longer
    fi
    try "fashion trains" ./fashion train --data "$data" --steps $steps --batch 32 --seed 3 --save a.safetensors
    cp log a.log
    at_least $rate "fashion with 8 filters after $steps steps on ${data##*/}" a.log
    try "fashion is tested" ./fashion test --weights a.safetensors --data "$data"
    try "fashion trains again" ./fashion train --data digits --steps 30 --batch 32 --seed 3 --save b.safetensors
    try "and on one thread" ./fashion train --data digits --steps 30 --batch 32 --seed 3 --threads 1 --save c.safetensors
    try "and on three" ./fashion train --data digits --steps 30 --batch 32 --seed 3 --threads 3 --save d.safetensors
    try "one seed gives the same bytes again" cmp b.safetensors c.safetensors
    try "one seed gives the same bytes on any number of threads" cmp b.safetensors d.safetensors
    try "another seed" ./fashion train --data digits --steps 30 --batch 32 --seed 4 --save e.safetensors
    if cmp -s b.safetensors e.safetensors; then
        echo "FAIL another seed gives the same bytes"
        failed=$((failed + 1))
    fi
    if [ -n "$python" ]; then
        try "PyTorch loads the checkpoint and predicts the same" "$python" "$top/tests/torch/checkpoint.py" ./fashion a.safetensors "$data"
        tail -n 1 log
    else
        echo "PyTorch is not installed: the checkpoint was not loaded there"
    fi
}

# The digits that libcnn draws have something to learn that a linear network does not see.
digits() {
    printf 'network Linear {\n  input 28x28x1\n  rescale 1/255\n  dense 10, softmax\n}\ntrain Linear on digits { loss crossentropy; optimizer adam; epochs 1 }\n' \
        > linear-source.cnn
    program linear linear-source.cnn --tile=4 || return
    try "a linear network trains on digits" ./linear train --data digits --steps 300 --batch 32 --seed 3 --save linear.safetensors
    cp log linear.log
    try "fashion trains on digits" ./fashion train --data digits --steps 300 --batch 32 --seed 3 --save digits.safetensors
    cp log digits.log
    local line cnn
    line=$(accuracy linear.log)
    cnn=$(accuracy digits.log)
    echo "digits after 300 steps: linear $line %, convolutions $cnn %"
    try "convolutions beat a linear network on digits" [ "${cnn:-0}" -ge "$((${line:-100} + 4))" ]
}

others() {
    local name cc=$plain
    for name in lenet branches perceptron; do
        program "$name" "$top/examples/$name/$name.cnn"
    done
    try "the perceptron learns" ./perceptron train --save perceptron.safetensors
    grep -q 'accuracy 100' log || { echo "FAIL the perceptron does not learn its table"; tail -n 5 log; failed=$((failed + 1)); }
    try "lenet trains" ./lenet train --data digits --steps 5 --save lenet.safetensors
    try "vgg16 becomes C" "$cnnc" "$top/examples/vgg16/vgg16.cnn" -o vgg16.c
    cp -r "$top/examples/edges" "$top/examples/example.mk" .
    try "edges builds with its Makefile" make -C edges CNNC="$cnnc" CC="${cc%% *}" CFLAGS=-O1
    try "edges runs" ./edges/edges
}

fashion
digits
others
echo "examples: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
