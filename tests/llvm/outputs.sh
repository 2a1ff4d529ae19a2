#!/usr/bin/env bash
# outputs.sh CNNC LIBCNN.a [DIR]: every output of LLVM, and the commands without a C compiler, train to the bytes of the C program.
#
# A small network is trained for a few steps with --strict by the C program of several compilers and levels, by programs made of net.o, net.s, net.bc, net.ll, net.a and
# net.so, and by `cnnc train`, at several styles: one file of weights is expected of all. `cnnc test`, `run` and `grad` print and write what
# the C program does. A run that is interrupted goes on to the same bytes.
set -u
export LC_ALL=C
cnnc=$(realpath "$1")
library=$(realpath "$2")
dir=${3:-$(mktemp -d)}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
cd "$dir" || exit 2
passed=0
failed=0

check() {               # NAME STATUS
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1"; fi
}

cc=${CC:-cc}
link() { $cc "$@" "$library" $(cat "${library%.a}.needs"); }
flags="--input x.npy --target y.npy --epochs 6 --quiet"

# Forty images and their labels, as bytes.
npy() {                 # FILE SHAPE COUNT
    printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($2,), }"
    awk -v count="$3" -v most="$4" 'BEGIN { for (i = 0; i < count; i++) { s = (s * 1103 + 12345) % 65536; printf "\\%03o", int(s / 7) % most } }' \
        | while read -r -n 4000 -d '' part || [ -n "$part" ]; do printf "$part"; done
}
npy x 40,1,28,28 31360 256 > x.npy
npy y 40 40 10 > y.npy

# What reads IR of this LLVM: a clang of the same number, if there is one.
number=$("$cnnc" "$here/small.cnn" --emit=llvm -o - > ir.txt && "$cnnc" --version | sed -n 's/.*LLVM \([0-9]*\).*/\1/p')
clang=$(command -v "clang-$number" || true)

for style in lesson unrolled "fast --target=sse2" "fast --target=avx2" "lesson --real=double"; do
    case $style in *avx2*) grep -qw avx2 /proc/cpuinfo || continue ;; esac
    name=${style//[^a-z0-9]/_}
    options="--strict --style=$style --unroll-budget=10000000"
    # shellcheck disable=SC2086
    {
        "$cnnc" --main $options "$here/small.cnn" -o "$name.c" && link -std=c11 -O0 "$name.c" -o "$name.program" \
            && "./$name.program" train $flags --save "$name.want" > "$name.log" 2>&1
        check "$style: the C program trains" $?
        for compiler in "$cc -O3 -march=native" ${clang:+"$clang -O0" "$clang -O3 -march=native"}; do
            [ "$style $compiler" = "unrolled $clang -O3 -march=native" ] && continue       # code without loops takes long
            [ "$style" = unrolled ] && compiler=${compiler/-O3/-O1}                         # by gcc too
            $compiler -c "$name.c" -o "$name.c.o" && link "$name.c.o" -o "$name.c.program" \
                && "./$name.c.program" train $flags --save "$name.c.got" > "$name.log" 2>&1 && cmp "$name.want" "$name.c.got"
            check "$style: the C program of $compiler" $?
        done

        forms="o s" parts="ll bc" level=-O2
        [ "$style" = unrolled ] && forms=o parts=ll level=-O0           # large, and the same whatever the style; `train` optimises it
        for form in $forms; do
            "$cnnc" --main $level $options "$here/small.cnn" -o "$name.$form" && link "$name.$form" -o "$name.$form.program" \
                && "./$name.$form.program" train $flags --save "$name.$form.got" > "$name.log" 2>&1 && cmp "$name.want" "$name.$form.got"
            check "$style: .$form" $?
        done
        "$cnnc" --main $level $options "$here/small.cnn" -o "$name.a" && link "$name.a" -o "$name.a.program" \
            && "./$name.a.program" train $flags --save "$name.a.got" > "$name.log" 2>&1 && cmp "$name.want" "$name.a.got"
        check "$style: .a" $?
        "$cnnc" $level $options "$here/small.cnn" -o "$name.so" && link "$here/loaded.c" -I"$here/../../runtime/include" "./$name.so" -o "$name.so.program" \
            && LD_LIBRARY_PATH=. "./$name.so.program" train $flags --save "$name.so.got" > "$name.log" 2>&1 && cmp "$name.want" "$name.so.got"
        check "$style: .so" $?
        if [ -n "$clang" ]; then
            for form in $parts; do
                "$cnnc" --main $options "$here/small.cnn" -o "$name.$form" && "$clang" -Wno-override-module -O1 -c "$name.$form" -o "$name.$form.o" \
                    && link "$name.$form.o" -o "$name.$form.program" \
                    && "./$name.$form.program" train $flags --save "$name.$form.got" > "$name.log" 2>&1 && cmp "$name.want" "$name.$form.got"
                check "$style: .$form" $?
            done
        fi
        for train in 0 2; do
            "$cnnc" train -O$train $options "$here/small.cnn" $flags --save "$name.jit" > "$name.log" 2>&1 && cmp "$name.want" "$name.jit"
            check "$style: cnnc train -O$train" $?
        done

        "./$name.program" test --input x.npy --target y.npy --weights "$name.want" > test.want 2>&1
        "$cnnc" test $level $options "$here/small.cnn" --input x.npy --target y.npy --weights "$name.want" > test.got 2> test.log && cmp test.want test.got
        check "$style: cnnc test" $?
        "$cnnc" $level $options "$here/small.cnn" -o one.o && "$cnnc" $level $options "$here/small.cnn" -o two.o && cmp one.o two.o
        check "$style: the same object again" $?
    }
done

# Without --strict too, for a processor that has no product and sum in one operation to differ by, and with the same math library.
if [ "$(uname -m)" = x86_64 ]; then
    for style in lesson "fast --target=sse2"; do
        # shellcheck disable=SC2086
        "$cnnc" --main --style=$style "$here/small.cnn" -o plain.c && link -std=c11 -O2 -march=x86-64 plain.c -o plain.program \
            && ./plain.program train $flags --save plain.want > plain.log 2>&1 \
            && "$cnnc" train --style=$style --cpu=x86-64 "$here/small.cnn" $flags --save plain.got > plain.log 2>&1 && cmp plain.want plain.got
        check "$style, without --strict: cnnc train and the C program" $?
    done
fi

# A short loop of a sum, as UNROLLED in C.
"$cnnc" -O0 --style=fast "$here/small.cnn" -o loops.ll && grep -q 'llvm.loop.unroll.full' loops.ll
check "LLVM is told to write out short loops" $?

# The order in which a tile's vectors are read: two of dy, each vector of w once for both of them. LLVM held six of w at once, and totals on the stack.
cat > order.cnn << 'END'
network Order {
  input 28x28x1
  maxpool 2x2
  conv 6, 1x1, relu
  conv 16, 5x5
  dense 10, softmax
}
train Order on digits { loss crossentropy; batch 1; epochs 1 }
END
"$cnnc" -O2 --style=fast --target=avx2 order.cnn -o order.ll \
    && order=$(awk '/^define .*@conv2_dx\(/, /^}/' order.ll | sed -n 's/^ *%\(dy\|w\)[a-z_]*\.value[0-9.]* = load .*/\1/p' | tr '\n' ' ') \
    && [[ $order == "dy w dy w w w w w dy w dy w w w w w "* ]]
check "the order in which LLVM reads what a tile multiplies" $?

# The functions of --strict, and LLVM's of them.
"$cnnc" --style=lesson --strict --infer "$here/functions.cnn" -o functions_net.c && "$cnnc" --style=lesson --strict --infer "$here/functions.cnn" -o functions.so \
    && $cc -O2 -DNET='"functions_net.c"' -I. "$here/functions.c" -o functions -lm && ./functions ./functions.so > functions.log 2>&1
check "the functions of --strict" $?
"$cnnc" --style=lesson --strict "$here/small.cnn" -o log_net.c && $cc -O2 -DNET='"log_net.c"' -DONLY_LOG -I. "$here/functions.c" -o functions -lm \
    && ./functions >> functions.log 2>&1
check "the logarithm of --strict" $?

# Those of the fast style, one number after the other: vectors have the same bits, LLVM's and those of every C compiler.
fast="--style=fast --target=sse2 --infer $here/functions.cnn"
# shellcheck disable=SC2086
{
    "$cnnc" $fast --strict --tile=1 -o lane_net.c && "$cnnc" $fast --strict --tile=16 -o lanes.so \
        && $cc -O2 -DFAST -DNET='"lane_net.c"' -I. "$here/functions.c" -o functions -lm && ./functions ./lanes.so >> functions.log 2>&1
    check "the functions of the fast style, LLVM's of vectors" $?
    "$cnnc" $fast --tile=1 -o lane_net.c && "$cnnc" $fast --tile=16 -o lanes_net.c && grep -q 'TANH4(' lanes_net.c && grep -q 'ERF4(' lanes_net.c && grep -q 'LOG1P4(' lanes_net.c \
        && ! grep -q TANH4 lane_net.c
    check "the fast style has functions of vectors" $?
    for compiler in "$cc -O0" "$cc -O2" "$cc -O3 -march=native" ${clang:+"$clang -O1" "$clang -O3 -march=native"}; do
        $compiler -DFAST -DNET='"lane_net.c"' -I. "$here/functions.c" -o functions -lm && $compiler -shared -fPIC lanes_net.c -o lanes.so -lm \
            && ./functions ./lanes.so >> functions.log 2>&1
        check "the functions of the fast style, of vectors by $compiler" $?
    done
}
sed -n 's/^\(same\|exp\|tanh\|erf\|log1p\)/  \1/p' functions.log

# `cnnc check` finds nothing wrong, and it finds a kink: relu at exactly 0 has no derivative.
"$cnnc" check "$here/small.cnn" > check.log 2>&1 && grep -q 'Small: all agree' check.log
check "cnnc check" $?
"$cnnc" check --style=fast "$here/small.cnn" > check.log 2>&1 && grep -q 'Small: all agree' check.log
check "cnnc check --style=fast" $?
printf 'network Kink { input 2; dense 3, init=zeros, relu; dense 1 }\n' > kink.cnn
"$cnnc" check kink.cnn > check.log 2>&1
[ $? -eq 1 ] && grep -q '^dense1.weight .* !' check.log
check "cnnc check finds a kink" $?

# ... and a mistake in generated code: this compiler adds a hundredth of a thousandth to the gradient of a weight.
cat > wrong-cc <<END
#!/bin/sh
for word; do case \$word in *net.c) sed -i 's/^\( *dw\[.*+= sum\);/\1 * 1.00001;/' "\$word" ;; esac; done
exec $cc "\$@"
END
chmod +x wrong-cc
CC=./wrong-cc "$cnnc" check "$here/small.cnn" > check.log 2>&1
[ $? -eq 1 ] && grep -Eq '^conv1.weight .* 1\.0e-05 at (\[[0-9]\])+ !$' check.log && grep -q 'not all is within the limits' check.log
check "cnnc check finds a mistake in the C file" $?

# A debugger steps through the source and prints what a layer made, by the layer's name.
lines_of_network() { grep -E '^[0-9]+[[:space:]]+(normalise|avgpool|conv)' "$1" | tr -d ' \t' | paste -sd ' '; }
steps="4normalise 5avgpool4x4 6conv3,3x3,same,batchnorm,tanh 8conv4,3x3,relu,dropout(0.2)"
if command -v gdb > /dev/null; then
    printf '%s\n' 'set confirm off' 'break train_1' run next next next 'ptype conv1' 'print conv1[2][0][0] != 0' > gdb.txt
    "$cnnc" -g --main --style=lesson "$here/small.cnn" -o debug.o && link debug.o -o debug.program && cp "$here/small.cnn" . \
        && gdb -q -batch -x gdb.txt --args ./debug.program train $flags > gdb.log 2>&1
    [ "$(lines_of_network gdb.log)" = "$steps" ] \
        && grep -q '^type = float \[3\]\[7\]\[7\]' gdb.log && grep -q '^\$1 = 1' gdb.log
    check "-g: gdb steps through the network" $?
    printf '%s\n' 'set confirm off' 'break train_1' run next next next next 'ptype conv1_y' 'print (*conv1_y)[2][0][0] != 0' \
        'break small.cnn:6' > gdb.txt
    "$cnnc" -g --main --style=lesson "$here/small.cnn" -o debug.c && link -std=c11 -g debug.c -o debug.program \
        && gdb -q -batch -x gdb.txt --args ./debug.program train $flags > gdb.log 2>&1
    [ "$(lines_of_network gdb.log)" = "$steps" ] \
        && grep -q '^type = float (\* const)\[3\]\[7\]\[7\]' gdb.log && grep -q '^\$1 = 1' gdb.log && grep -q '^Breakpoint 2 .*small.cnn' gdb.log
    check "-g: gdb steps through the network in C" $?
else
    echo "skipped -g: no gdb"
fi

# A run that is interrupted says how to go on, and going on gives the bytes of a run that was not. An epoch takes a twentieth of a second: so many that the
# signal comes before the last one.
long="--data digits --epochs 20 --batch 16"
"$cnnc" train --strict "$here/small.cnn" $long --save whole.safetensors > whole.log 2>&1
"$cnnc" train --strict "$here/small.cnn" $long --save cut.safetensors > cut.log 2>&1 &
child=$!
for _ in $(seq 100); do
    grep -q ' 1/20' cut.log && break
    sleep 0.1
done
kill -INT $child
wait $child
again=$(sed -n 's/^to go on: //p' cut.log)
[ -n "$again" ] && sh -c "$again" > again.log 2>&1 && cmp whole.safetensors cut.safetensors
check "an interrupted run goes on ($again)" $?

# The tool without its module says which file it looks for, and writes C as ever: LLVM is not loaded for that.
mkdir -p alone && cp "$cnnc" alone/cnnc && alone/cnnc "$here/small.cnn" -o alone/net.c && "$cnnc" "$here/small.cnn" -o net.c && cmp net.c alone/net.c
check "C is written without LLVM" $?
for line in "$here/small.cnn -o alone/net.o" "run $here/small.cnn" --targets; do
    # shellcheck disable=SC2086
    alone/cnnc $line > alone.log 2>&1
    [ $? -eq 1 ] && grep -q 'not supported by this build of cnnc: .*-llvm.so: cannot open' alone.log && [ ! -e alone/net.o ]
    check "without the module: cnnc $line" $?
done

echo "llvm: $passed passed, $failed failed"
[ $failed -eq 0 ]
