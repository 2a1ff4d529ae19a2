#!/usr/bin/env bash
# mpi.sh CNNC LIBRARIES FOLDER: programs under mpirun. Trains small networks on 1, 2 and 4 ranks of this machine and on none: the same
# bits, also after a rank was killed and the run went on with another number of ranks. LIBRARIES is where libcnn_mpi.a and libcnn.a are.
#
# Ends with status 77 where mpirun, mpicc or libcnn_mpi.a are not there.
set -u
cnnc=$(realpath "$1") libraries=$(realpath "$2") out=$3
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v mpirun > /dev/null || ! command -v mpicc > /dev/null || [ ! -e "$libraries/libcnn_mpi.a" ]; then
    echo "mpi: mpirun, mpicc or libcnn_mpi.a is not there (Debian: libopenmpi-dev, openmpi-bin)"
    exit 77
fi
rm -rf "$out" && mkdir -p "$out/data" && cd "$out" || exit 2
export OMP_NUM_THREADS=1 CNN_DATA=$PWD/data
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

fail() { echo "mpi: $*"; exit 1; }

ranks() {                       # ranks N PROGRAM...
    local n=$1
    shift
    mpirun -np "$n" "$@" < /dev/null
}

# Their processes. (awk itself would stop at the file of a process that ends just then; cat goes on.)
long_ranks() { cat /proc/[0-9]*/stat 2> /dev/null | awk -v mpi=$mpi '$4 == mpi && $2 == "(Long)" { print $1 }' | sort -n; }

# Files of a data set: 600 images of 28x28 that are digits of numbers, as bytes; labels 0 to 9.
set_of() {                      # set_of COUNT(octal bytes) COUNT IMAGES LABELS
    { printf "\\000\\000\\010\\003\\000\\000$1\\000\\000\\000\\034\\000\\000\\000\\034"; seq 200000 | head -c $(($2 * 784)); } > "data/$3"
    { printf "\\000\\000\\010\\001\\000\\000$1"; seq 10000 | tr -d '\n' | head -c "$2" | tr '0-9' '\000-\011'; } > "data/$4"
}
set_of '\002\130' 600 train-images-idx3-ubyte train-labels-idx1-ubyte
set_of '\000\310' 200 t10k-images-idx3-ubyte t10k-labels-idx1-ubyte

net() {                         # net NAME OPTIMIZER EPOCHS
    sed "s/NAME/$1/; s/OPTIMIZER/$2/; s/EPOCHS/$3/" "$here/mpi.cnn" > "$1.cnn"
    "$cnnc" --main --target=sse2 "$1.cnn" -o "$1.c" || fail "cnnc $1.cnn"
    # shellcheck disable=SC2046
    mpicc -O2 -w "$1.c" -L"$libraries" -l:libcnn_mpi.a -l:libcnn.a $(cat "$libraries/libcnn.needs") -o "$1" || fail "mpicc $1.c"
}
net Adam "adam, lr=0.003" 2
net Momentum "sgd, lr=0.02, momentum=0.9" 2
net Long "adam, lr=0.003" 300

# ---- the same bits

for name in Adam Momentum; do
    ./$name train --save alone.safetensors --csv alone.csv > alone.txt || fail "$name alone: $(cat alone.txt)"
    for n in 1 2 4; do
        ranks $n ./$name train --save "$n.safetensors" --csv "$n.csv" > "$n.txt" 2>&1 || fail "$name on $n ranks: $(cat "$n.txt")"
        cmp alone.safetensors "$n.safetensors" && cmp alone.csv "$n.csv" || fail "$name has other bits on $n ranks"
        grep -c 'accuracy' "$n.txt" | grep -qx "$(grep -c 'accuracy' alone.txt)" || fail "not rank 0 alone speaks: $(cat "$n.txt")"
    done
done
ranks 3 ./Momentum test --weights 4.safetensors > test3.txt || fail "test on 3 ranks"
./Momentum test --weights 4.safetensors | cmp - test3.txt || fail "test on 3 ranks says something else"
ranks 2 ./Momentum train --any-order --save any.safetensors > /dev/null || fail "--any-order"

# ---- a rank that dies

whole=$(./Long train --epochs 30 --save long.safetensors --csv long.csv > long.txt && sha256sum < long.safetensors) || fail "Long: $(cat long.txt)"
mv long.csv whole.csv
for victim in head tail; do     # rank 0, the last rank
    rm -f long.safetensors long.resume.safetensors
    mpirun -np 4 ./Long train --epochs 30 --save long.safetensors --csv long.csv < /dev/null > killed.txt 2>&1 &
    mpi=$!
    for _ in $(seq 600); do
        [ -e long.resume.safetensors ] && break
        sleep 0.05
    done
    pids=$(long_ranks)
    kill -9 "$(echo "$pids" | $victim -n 1)" || fail "there was no rank to kill: $(cat killed.txt)"
    wait $mpi && fail "a killed rank is no error"
    for pid in $pids; do
        for _ in $(seq 100); do
            kill -0 "$pid" 2> /dev/null || continue 2
            sleep 0.05
        done
        fail "a rank lives on"
    done
    [ -e long.resume.safetensors ] || fail "the checkpoint is gone"
    n=2
    [ $victim = tail ] && n=1
    ranks $n ./Long train --epochs 30 --save long.safetensors --csv long.csv --resume long.resume.safetensors > resumed.txt 2>&1 \
        || fail "the checkpoint cannot be used: $(cat resumed.txt)"
    [ "$(sha256sum < long.safetensors)" = "$whole" ] || fail "other bits after a rank was killed"
    cmp whole.csv long.csv || fail "another table after a rank was killed"
done

# ---- a rank that is asked to stop, and what is said about mistakes

rm -f long.resume.safetensors
mpirun -np 2 ./Long train --save long.safetensors < /dev/null > stopped.txt 2>&1 &
mpi=$!
for _ in $(seq 600); do
    [ -e long.resume.safetensors ] && break
    sleep 0.05
done
kill -INT "$(long_ranks | tail -n 1)"
wait $mpi || fail "a run that is asked to stop: $(cat stopped.txt)"
grep -q '^stopped after epoch .* the run is in long.resume.safetensors$' stopped.txt || fail "$(cat stopped.txt)"
grep -q '^to go on, on any number of ranks: ./Long train' stopped.txt || fail "$(cat stopped.txt)"

ranks 2 ./Adam train --data nowhere > wrong.txt 2>&1 && fail "data that are not there are no error"
[ "$(grep -c '^Adam: error: the data set' wrong.txt)" = 1 ] || fail "said not once: $(cat wrong.txt)"
ranks 2 ./Adam train --bach 3 > wrong.txt 2>&1 && fail "an unknown option is no error"
[ "$(grep -c '^Adam: error: unknown option --bach' wrong.txt)" = 1 ] || fail "said not once: $(cat wrong.txt)"
ranks 2 ./Adam train --find-lr > wrong.txt 2>&1 && fail "a sweep on several ranks is no error"
[ "$(grep -c 'error: .*--find-lr looks for a rate in one process' wrong.txt)" = 1 ] || fail "said not once: $(cat wrong.txt)"
ranks 4 ./Adam train --batch 16 --steps 2 --save small.safetensors > small.txt 2>&1 || fail "$(cat small.txt)"
grep -q '^note: a batch of 16 images is cut into [12] slices\{0,1\}, so that [23] of 4 ranks have nothing to do' small.txt || fail "$(cat small.txt)"

# shellcheck disable=SC2046
cc -O1 -w Adam.c -L"$libraries" -l:libcnn.a $(cat "$libraries/libcnn.needs") -o without || fail "cc Adam.c"
ranks 2 ./without train > wrong.txt 2>&1 && fail "ranks that do not know each other are no error"
grep -q 'started on 2 ranks, but linked without libcnn_mpi' wrong.txt || fail "$(cat wrong.txt)"

# ---- a build without MPI

if [ -n "${CMAKE_SOURCE:-}" ]; then
    cmake -S "$CMAKE_SOURCE" -B without-mpi -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON -DBUILD_TESTING=OFF > without-mpi.txt 2>&1 || fail "$(cat without-mpi.txt)"
    grep -q '^-- MPI was not found (Debian: libopenmpi-dev): no libcnn_mpi' without-mpi.txt || fail "$(cat without-mpi.txt)"
fi
echo "mpi: 1, 2 and 4 ranks have the bits of one process; killed ranks lost nothing"
