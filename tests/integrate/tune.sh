#!/usr/bin/env bash
# tune.sh CNNC OUT: cnnc --tune measures a small network and writes what it found, --tuned follows it: the same bytes each time, the same results but
# for rounding. In a pipe there is no living line, on a terminal there is; Ctrl-C leaves nothing behind. The last line is `integrate: N passed, M failed`.
set -u
export LC_ALL=C
cnnc=$(realpath "$1")
out=$2
passed=0
failed=0
rm -rf "$out"
mkdir -p "$out/tmp"
cd "$out" || exit 2
export TMPDIR=$PWD/tmp

# ok WHAT COMMAND...; what the command before it said is in `last`
ok() {
    local what=$1
    shift
    [ -f log ] && mv log last
    if "$@" > log 2>&1 < /dev/null; then passed=$((passed + 1)); else echo "FAIL $what: $*"; tail -n 20 log; failed=$((failed + 1)); fi
}
# status N WHAT COMMAND...
status() {
    local want=$1 what=$2 got
    shift 2
    [ -f log ] && mv log last
    "$@" > log 2>&1 < /dev/null
    got=$?
    if [ $got -eq "$want" ]; then passed=$((passed + 1)); else echo "FAIL $what: status $got instead of $want: $*"; tail -n 20 log; failed=$((failed + 1)); fi
}
skip() { echo "skipped: $1"; }

cat > net.cnn << 'END'
network Net {
  input 12x12x8
  conv 16, 3x3, relu
  maxpool 2x2
  dense 24, tanh
  dense 4, softmax
}
data noise { source npy, "x.npy", "y.npy" }
train Net on noise { loss crossentropy; batch 32; epochs 1 }
END
cat > small.cnn << 'END'
network Small { input 64; dense 32, relu; dense 4, softmax }   # whole vectors of any machine: there are choices
END

# ---- what does not go together
status 2 "--tune and an output"           "$cnnc" --tune net.cnn -o net.c
status 2 "--tune and a stage"             "$cnnc" --tune --dump=net net.cnn
status 2 "--tune and another output"      "$cnnc" --tune --emit=llvm net.cnn
status 2 "--tune in a style without choices" "$cnnc" --tune --style=lesson net.cnn
status 2 "--tuned in a style without choices" "$cnnc" --tuned=net.tuned --style=lesson net.cnn -o net.c
status 2 "--tune and --tuned"             "$cnnc" --tune --tuned=net.tuned net.cnn
status 2 "--tune for another machine"     "$cnnc" --tune --target=rvv-128 net.cnn
status 2 "--tune of what can be read once" "$cnnc" --tune -
status 1 "--tune of a wrong network"      "$cnnc" --tune none.cnn
ok "none of them wrote anything"          test ! -e net.tuned

if "$cnnc" --version | grep -q 'without LLVM'; then
    status 1 "--tune without LLVM"        "$cnnc" --tune net.cnn
    ok "it is said"                       grep -q -- '--tune is not supported by this build of cnnc: LLVM was not found' last
    echo "integrate: $passed passed, $failed failed"
    [ $failed -eq 0 ]
    exit
fi

# ---- the file
ok "--tune writes net.tuned"              "$cnnc" --tune net.cnn
ok "a line says how much it gained"       grep -qE '^Net takes [0-9.]+ of the time' last
ok "a pipe has no living line"            sh -c '! grep -q "$(printf "\r")" last'
machine=$(sed -n 's/^machine //p' net.tuned)
ok "the file names the machine"           test -n "$machine"
for line in 'real float' 'for training' 'layout ' 'tile ' 'winograd '; do
    ok "the file has a line $line"        grep -q "^$line" net.tuned
done
if command -v script > /dev/null; then
    ok "--tune=FILE on a terminal"        script -qec "TERM=xterm '$cnnc' --tune=other.tuned --infer small.cnn" screen
    ok "a terminal has a living line"     grep -q "measuring every nest" screen
else
    ok "--tune=FILE writes it there"      "$cnnc" --tune=other.tuned --infer small.cnn
    skip "a terminal's living line: there is no 'script'"
fi
ok "inference is tuned by itself"         grep -q '^for inference' other.tuned
status 1 "and is not taken for training"  "$cnnc" --tuned=other.tuned --target="$machine" small.cnn -o no.c
ok "nothing is left beside the files"     sh -c 'test "$(ls | grep -c tmp[0-9])" -eq 0 && test -z "$(ls tmp)"'

# ---- following it: with every line that the file can have
{ grep -E '^(machine|real|for|layout|tile)' net.tuned | sed 's/#.*//'; printf 'winograd off\nnest dense1: co 4, vectors 1\nnest dense1_dx: ci 2\n'; } > all.tuned
for tuned in net.tuned all.tuned; do
    ok "$tuned is followed"               "$cnnc" --target="$machine" --tuned=$tuned net.cnn -o a.c
    ok "$tuned fits the network"          sh -c '! grep -q warning last'
    ok "$tuned, again"                    "$cnnc" --target="$machine" --tuned=$tuned net.cnn -o b.c
    ok "the same bytes"                   cmp a.c b.c
    ok "a file for several machines"      "$cnnc" --tuned=$tuned net.cnn -o several.c
done
ok "the choice is said"                   sh -c '"$1" --target="$2" --tuned=all.tuned --dump=schedule net.cnn | grep -q "as tuned"' sh "$cnnc" "$machine"
ok "the policy chooses otherwise"         sh -c '! "$1" --target="$2" net.cnn -o - | cmp -s - a.c' sh "$cnnc" "$machine"
ok "a depfile names it"                   "$cnnc" --target="$machine" --tuned=all.tuned -MD net.cnn -o net.o
ok "in its list"                          grep -q ' all\.tuned' net.d

# ---- the same results but for rounding, by the code itself
if command -v python3 > /dev/null; then
    python3 - << 'END'
import struct
def save(name, shape, values):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)
    head += " " * (63 - (len(head) + 10) % 64) + "\n"
    open(name, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<%df" % len(values), *values))
save("x.npy", (32, 8, 12, 12), [(i * 2654435761 % 1000) / 1000 for i in range(32 * 8 * 12 * 12)])
save("y.npy", (32, 4), [float(i % 4 == i // 4 % 4) for i in range(32 * 4)])
END
    ok "first weights"                    "$cnnc" train --target="$machine" net.cnn --input x.npy --target y.npy --steps 1 --save w.safetensors
    for tuned in '' --tuned=net.tuned --tuned=all.tuned; do
        # shellcheck disable=SC2086
        ok "gradients${tuned:+ with }$tuned" "$cnnc" grad --target="$machine" $tuned net.cnn --input x.npy --target y.npy --weights w.safetensors --output "g${tuned#--tuned=}"
    done
    cat > close.py << 'END'
import struct, sys, json
def read(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head, found = json.loads(data[8:8 + size]), {}
    for name, t in head.items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            found[name] = struct.unpack("<%df" % ((b - a) // 4), data[8 + size + a:8 + size + b])
    return found
one, two = read(sys.argv[1]), read(sys.argv[2])
assert one.keys() == two.keys() and one
for name in one:
    largest = max(abs(v) for v in one[name])
    assert largest > 0, name
    worst = max(abs(a - b) for a, b in zip(one[name], two[name]))
    assert worst <= 2e-5 * largest, (name, worst, largest)
END
    ok "net.tuned agrees"                 python3 close.py g gnet.tuned
    ok "all.tuned agrees"                 python3 close.py g gall.tuned
else
    skip "the results are compared by python3"
fi

# ---- a C compiler in place of LLVM
if command -v "${CC:-cc}" > /dev/null; then
    ok "--tune --emit=c asks the C compiler" "$cnnc" --tune=c.tuned --emit=c small.cnn
    ok "the file says so"                 grep -q "code by the C compiler" c.tuned
    ok "its library is gone"              sh -c 'test -z "$(ls tmp)"'
    status 1 "a C compiler that is not there" env CC=no-such-compiler "$cnnc" --tune=no.tuned --emit=c small.cnn
    ok "it is said"                       grep -q "needs a C compiler here: 'no-such-compiler' made no library" last
fi

# ---- Ctrl-C
cp net.tuned before
( trap - INT; exec timeout -s INT 1 "$cnnc" --tune net.cnn ) > log 2>&1
ok "Ctrl-C leaves the file as it was"     cmp net.tuned before
ok "and nothing else"                     sh -c 'test "$(ls | grep -c tmp[0-9])" -eq 0'

echo "integrate: $passed passed, $failed failed"
[ $failed -eq 0 ]
