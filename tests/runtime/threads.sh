#!/usr/bin/env bash
# threads.sh CNNC LIBRARIES FOLDER: what cnnc generates trains to the same bits on 1, 2, 3 and 8 threads and on repeat, with every
# optimizer, batchnorm, dropout and augmentation, in float and in double. LIBRARIES is where libcnn.a is.
set -u
cnnc=$(realpath "$1") libraries=$(realpath "$2") out=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$out" && mkdir -p "$out" && cd "$out" || exit 2
fail() { echo "threads: $*"; exit 1; }

runs=0
same() {                        # same REAL OPTIMIZER
    { echo "data drawn { source digits, train=400, test=100 }"; sed "s/NAME/Net/; s/OPTIMIZER/$2/; s/EPOCHS/2/; s/on mnist/on drawn/" "$here/mpi.cnn"; } > net.cnn
    "$cnnc" --main --target=sse2 --real="$1" net.cnn -o net.c || fail "cnnc: $2"
    # shellcheck disable=SC2046
    cc -O2 -w net.c -L"$libraries" -l:libcnn.a $(cat "$libraries/libcnn.needs") -o net || fail "cc: $2"
    ./net train --threads 1 --batch 100 --save one.safetensors --csv one.csv > one.txt || fail "$2: $(cat one.txt)"
    for threads in 1 2 3 8; do
        ./net train --threads $threads --batch 100 --save many.safetensors --csv many.csv > many.txt || fail "$2: $(cat many.txt)"
        cmp one.safetensors many.safetensors && cmp one.csv many.csv || fail "other bits on $threads threads: $1, $2"
        runs=$((runs + 1))
    done
}

for optimizer in "sgd, lr=0.05, decay=0.001" "sgd, lr=0.02, momentum=0.9" "sgd, lr=0.02, momentum=0.9, nesterov" "adam, lr=0.003" "adamw, lr=0.003" \
    "rmsprop, lr=0.001"; do
    same float "$optimizer"
done
same double "adam, lr=0.003"
echo "threads: $runs runs on 1, 2, 3 and 8 threads, the same bits"
