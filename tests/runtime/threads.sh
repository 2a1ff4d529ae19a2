#!/usr/bin/env bash
# threads.sh CNNC LIBRARIES FOLDER: what cnnc generates trains to the same bits on 1, 2, 3 and 8 threads and on repeat, with every
# optimizer, batchnorm, dropout and augmentation, in float and in double. LIBRARIES is where libcnn.a is.
# A network without batchnorm goes once over the images, and on one thread its tiles add to what the tiles before have left (batch.c).
set -u
cnnc=$(realpath "$1") libraries=$(realpath "$2") out=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$out" && mkdir -p "$out" && cd "$out" || exit 2
fail() { echo "threads: $*"; exit 1; }

runs=0 batch=100 counts='1 2 3 8' level=-O2
code=net.c                      # or net.o: by LLVM
layout=auto
train_on_threads() {            # train_on_threads REAL WORDS...: net.cnn, and what to say if it fails
    local real=$1
    shift
    "$cnnc" --main --target=sse2 --layout=$layout --real="$real" net.cnn -o $code || fail "cnnc: $*"
    # shellcheck disable=SC2046
    cc $level -w $code -L"$libraries" -l:libcnn.a $(cat "$libraries/libcnn.needs") -o net || fail "cc: $*"
    ./net train --threads 1 --batch "$batch" --save one.safetensors --csv one.csv > one.txt || fail "$*: $(cat one.txt)"
    for threads in $counts; do
        ./net train --threads $threads --batch "$batch" --save many.safetensors --csv many.csv > many.txt || fail "$*: $(cat many.txt)"
        cmp one.safetensors many.safetensors && cmp one.csv many.csv || fail "other bits on $threads threads: $real, $*"
        runs=$((runs + 1))
    done
}

same() {                        # same REAL OPTIMIZER
    { echo "data drawn { source digits, train=400, test=100 }"; sed "s/NAME/Net/; s/OPTIMIZER/$2/; s/EPOCHS/2/; s/on mnist/on drawn/" "$here/mpi.cnn"; } > net.cnn
    train_on_threads "$1" "$2"
}

once() {                        # once REAL LAYERS
    { echo "data drawn { source digits, train=400, test=100 }"
      echo "network Net { input 28x28x1; $2; dense 10, softmax }"
      echo "train Net on drawn { loss crossentropy; optimizer sgd, lr=0.05, momentum=0.9; batch 16; epochs 2; save last, \"net.safetensors\" }"; } > net.cnn
    train_on_threads "$1" "$2"
    [ "$(grep -c "^    \.train = .*, 2 },$" net.c)" = 1 ] || fail "tiles of $2 do not add at once: nothing was tested"
}

parts() {                       # parts REAL BATCH OPTIMIZER [SETTING]: on one thread large tensors move as their gradient comes, on several afterwards
    { echo "data drawn { source digits, train=100, test=20 }"
      echo "network Net { input 28x28x1; conv 16, 3x3, same, relu; maxpool 2x2; conv 32, 3x3, relu; dense 60; dense 90, relu; dense 10, softmax }"
      echo "train Net on drawn { loss crossentropy; optimizer $3; ${4-} batch $2; epochs 1; save last, \"net.safetensors\" }"; } > net.cnn
    batch=$2
    train_on_threads "$1" "batches of $2, $3 ${4-}"
    [ $code = net.o ] || [ "$(grep -c "updated(update, [0-9]*, .*);" net.c)" -ge 3 ] || fail "no weights move early: nothing was tested"
}

for optimizer in "sgd, lr=0.05, decay=0.001" "sgd, lr=0.02, momentum=0.9" "sgd, lr=0.02, momentum=0.9, nesterov" "adam, lr=0.003" "adamw, lr=0.003" \
    "rmsprop, lr=0.001"; do
    same float "$optimizer"
done
same double "adam, lr=0.003"
batch=64                        # in tiles of 16: four slices of one tile each, of which every second one adds to its neighbour
once float "conv 6, 5x5, same, relu; maxpool 2x2; conv 16, 5x5, relu; maxpool 2x2; dense 120, relu"
once double "dense 40, tanh; dense 30, tanh"
once float "dense 50, relu; dropout 0.3"
layout=channels                 # weights are packed in a phase that runs once
once float "conv 16, 3x3, same, relu; maxpool 2x2; conv 32, 3x3, same, relu; maxpool 2x2; dense 30, relu"
grep -q "^    { \"train_1\", 1, " net.c || fail "no phase runs once: nothing was tested"
layout=auto counts='1 2' level=-O1
parts float 1 "sgd, lr=0.0002, momentum=0.9"
for rate in 1e3 1e10 1e38; do   # of the last net: where training breaks down, the cause is found as if nothing had moved before the loss was known
    for threads in 1 2; do
        ./net train --threads $threads --batch 1 --lr $rate > $threads.txt 2>&1 && fail "a rate of $rate does not break training down: nothing was tested"
    done
    grep -q "not a number\|infinite\|not finite" 1.txt && cmp 1.txt 2.txt || fail "another cause is found on 2 threads, with a rate of $rate"
done
parts double 1 "sgd, lr=0.0002, momentum=0.9, nesterov" "freeze dense1;"
parts float 4 "adam, lr=0.001"
parts float 8 "sgd, lr=0.001"
if "$cnnc" --version | grep -q 'without LLVM'; then
    echo "skip  what LLVM makes: this cnnc was built without it"
else
    code=net.o
    parts float 1 "sgd, lr=0.0002, momentum=0.9"
    "$cnnc" --target=sse2 net.cnn -o net.ll && grep -q "call void @updated(" net.ll || fail "no weights move early by LLVM: nothing was tested"
fi
echo "threads: $runs runs on 1, 2, 3 and 8 threads, the same bits"
