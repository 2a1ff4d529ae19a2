#!/usr/bin/env bash
# threads.sh CNNC LIBRARIES FOLDER: what cnnc generates trains to the same bits on 1, 2, 3 and 8 threads and on repeat, with every
# optimizer, batchnorm, dropout and augmentation, in float and in double. LIBRARIES is where libcnn.a is.
# A network without batchnorm goes once over the images, and on one thread its tiles add to what the tiles before have left (batch.c).
set -u
cnnc=$(realpath "$1") libraries=$(realpath "$2") out=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$out" && mkdir -p "$out" && cd "$out" || exit 2
fail() { echo "threads: $*"; exit 1; }

runs=0 batch=100
train_on_threads() {            # train_on_threads REAL WORDS...: net.cnn, and what to say if it fails
    local real=$1
    shift
    "$cnnc" --main --target=sse2 --real="$real" net.cnn -o net.c || fail "cnnc: $*"
    # shellcheck disable=SC2046
    cc -O2 -w net.c -L"$libraries" -l:libcnn.a $(cat "$libraries/libcnn.needs") -o net || fail "cc: $*"
    ./net train --threads 1 --batch "$batch" --save one.safetensors --csv one.csv > one.txt || fail "$*: $(cat one.txt)"
    for threads in 1 2 3 8; do
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

for optimizer in "sgd, lr=0.05, decay=0.001" "sgd, lr=0.02, momentum=0.9" "sgd, lr=0.02, momentum=0.9, nesterov" "adam, lr=0.003" "adamw, lr=0.003" \
    "rmsprop, lr=0.001"; do
    same float "$optimizer"
done
same double "adam, lr=0.003"
batch=64                        # in tiles of 16: four slices of one tile each, of which every second one adds to its neighbour
once float "conv 6, 5x5, same, relu; maxpool 2x2; conv 16, 5x5, relu; maxpool 2x2; dense 120, relu"
once double "dense 40, tanh; dense 30, tanh"
once float "dense 50, relu; dropout 0.3"
echo "threads: $runs runs on 1, 2, 3 and 8 threads, the same bits"
