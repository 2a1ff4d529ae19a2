#!/usr/bin/env bash
# step.sh CNNC LIBCNN.A DIR CC...: `./net step` shows what `cnnc step` shows, whatever the style, the layout and the back end of the program; and
# code that is no program carries nothing for it.
set -u
export LC_ALL=C
cnnc=$(realpath "$1")
libcnn=$(realpath "$2")
here=$(realpath "$(dirname "$0")")
golden=$(realpath "$here/../golden/inspect")
mkdir -p "$3" && cd "$3" || exit 2
shift 3
cc=("$@")
needs=$(cat "$(dirname "$libcnn")/libcnn.needs")
shown=0
failed=0

fail() { echo "FAIL $1"; failed=1; }

# Relu before a maxpool changes places in the fast style; a block that is read twice; maps whose channels fill no vector; numbers that are the
# same as before.
cat > way.cnn <<'END'
network Way {
  input 28x28x1
  rescale 1/255
  stem = conv 7, 3x3, same, batchnorm, relu
  maxpool 2x2
  left = conv 3, 3x3, same, relu
  right = conv 3, 1x1, stride=2, tanh from stem
  concat left, right
  avgpool 2x2
  dropout 0.3
  flatten
  dense 12, sigmoid
  dense 10, softmax
}

train Way on digits { loss crossentropy; optimizer adam, lr=0.01; batch 20; epochs 1 }
END
# No probabilities, three channels, and a result that is an image.
cat > colours.cnn <<END
network Colours {
  input 9x7x3
  rescale 1/255
  conv 4, 3x3, gelu
  maxpool 2x2
  conv 2, 2x2
}

data some {
  row $(awk 'BEGIN { for (i = 0; i < 9 * 7 * 3; i++) printf "%s%d", i ? "," : "", i * 37 % 256 }') -> 1, 0, 0, 1
}

train Colours on some { loss quadratic; optimizer sgd, lr=0.0001; batch 1; epochs 3 }
END
rm -f ./*.want
cp "$golden/spot.cnn" "$golden/spot.safetensors" "$golden/spot.pgm" .
awk 'BEGIN { printf "P2\n28 28\n255\n"; for (y = 0; y < 28; y++) { for (x = 0; x < 28; x++) printf "%d ", (x + y > 24 && x + y < 30) || (y > 20 && x > 5) ? 255 - 3 * x : 0; print "" } }' > way.pgm
awk 'BEGIN { printf "P3\n7 9\n255\n"; for (y = 0; y < 9; y++) { for (x = 0; x < 7; x++) printf "%d %d %d ", 30 * x, 25 * y, (x * y * 17) % 256; print "" } }' > colours.ppm

# program NET NAME OPTIONS...: a program made of it. Objects are LLVM's.
program() {
    local net=$1 name=$2
    shift 2
    case $name in
        *.o) "$cnnc" --main -O0 "$@" "$net.cnn" -o "$name" && "${cc[@]}" "$name" "$libcnn" $needs -o "${name%.o}" ;;
        *)   "$cnnc" --main "$@" "$net.cnn" -o "$name.c" && "${cc[@]}" -w -O0 "$name.c" "$libcnn" $needs -o "$name" ;;
    esac
}

# same NET IMAGE NAME OPTIONS...: the program shows what cnnc shows, forward and backward.
same() {
    local net=$1 image=$2 name=$3 more want
    shift 3
    program "$net" "$name" "$@" || { fail "$net $*: no program"; return; }
    for more in "" "--backward" "--backward --class=1"; do
        want="$net$more.want"
        # shellcheck disable=SC2086
        [ -f "$want" ] || "$cnnc" step $more "$net.cnn" --weights "$net.safetensors" --image "$image" > "$want" || fail "cnnc step $net $more"
        # shellcheck disable=SC2086
        ./"${name%.o}" step $more --weights "$net.safetensors" --image "$image" > got || fail "./$name step $more"
        if ! cmp -s "$want" got; then
            fail "$net $* $more: cnnc step and ./net step differ"
            diff "$want" got | head -n 10
        fi
        shown=$((shown + 1))
    done
}

program way trained && ./trained train --data digits --steps 15 --save way.safetensors > way.log || { cat way.log; exit 1; }
program colours trained && ./trained train --save colours.safetensors > colours.log || { cat colours.log; exit 1; }

for net in spot:spot.pgm way:way.pgm colours:colours.ppm; do
    image=${net#*:}
    net=${net%:*}
    same "$net" "$image" lesson --style=lesson --tile=3
    same "$net" "$image" images --style=fast --target=sse2 --layout=images
    "$cnnc" --version | grep -q 'LLVM [0-9]' && same "$net" "$image" llvm.o --style=fast
done
same spot spot.pgm unrolled --style=unrolled
same way way.pgm channels --style=fast --target=avx2 --layout=channels
same colours colours.ppm fast --style=fast      # for several machines in one file

# In a terminal both draw with colours, the same ones but for a step of a colour that rounding may change: they are compared for a network of doubles.
if command -v python3 > /dev/null 2>&1; then
    program way coloured --real=double || fail "no coloured program"
    in_terminal() { python3 "$here/in_terminal.py" "$@"; }
    export TERM=xterm
    in_terminal 120 "$cnnc" step --backward way.cnn --weights way.safetensors --image way.pgm > want < /dev/null
    in_terminal 120 ./coloured step --backward --weights way.safetensors --image way.pgm > got < /dev/null
    { cmp want got && grep -q '48;2;' got; } || fail "the colours differ"
    NO_COLOR=1 in_terminal 120 ./coloured step --weights way.safetensors --image way.pgm < /dev/null | grep -q '48;2;' && fail "NO_COLOR has colours"
    TERM=dumb in_terminal 120 "$cnnc" step way.cnn --weights way.safetensors --image way.pgm < /dev/null | grep -q '48;2;' && fail "TERM=dumb has colours"
    for columns in 12 20 45 80; do
        NO_COLOR=1 in_terminal $columns ./coloured step --weights way.safetensors --image way.pgm < /dev/null | tr -d '\r' > got
        widest=$(python3 -c 'print(max(len(l.rstrip()) for l in open("got", encoding="utf-8") if l.startswith("   |")))')
        { [ "$widest" -lt $columns ] && [ "$widest" -gt $((columns / 3)) ]; } || fail "in $columns columns a map is $widest wide"
    done
fi
"$cnnc" step --all way.cnn --weights way.safetensors --image way.pgm > want
./lesson step --all --weights colours.safetensors --image colours.ppm > got || fail "--all"
if grep -q ' more$' want got || [ "$(grep -c '^   |' want)" -le "$(grep -c '^   |' way.want)" ]; then fail "--all shows not all"; fi

# Mistakes.
says() { # WHAT COMMAND...
    local what=$1
    shift
    "$@" 2> err > /dev/null && fail "no status: $*"
    grep -qF -- "$what" err || { fail "$* says"; cat err; }
}
says "step needs --image FILE" ./lesson step --weights spot.safetensors
says "--class 4 is none of the 4 classes of the network Colours" ./lesson step --weights colours.safetensors --image colours.ppm --class 4
says "absent.pgm" ./lesson step --weights colours.safetensors --image absent.pgm
printf 'network Flat { input 3; dense 2 }; data d { row 1, 2, 3 -> 1, 0 }; train Flat on d { loss quadratic; optimizer sgd; epochs 1; save last, "flat.safetensors" }\n' > flat.cnn
program flat flat && ./flat help | grep -q ' step ' || fail "flat has no help for step"
./flat train > flat.log || fail "flat does not train"
says "step needs a network that reads pictures, grey or red, green and blue; Flat does not" ./flat step --weights flat.safetensors --image way.pgm

# The kernels that look at the picture stand behind what only knows the mean of the data.
printf 'network Even { input 28x28x1; normalise; conv 2, 3x3; dense 10, softmax }\ntrain Even on digits { loss crossentropy; epochs 1 }\n' > even.cnn
program even even && ./even train --steps 1 --quiet --save even.safetensors > even.log || fail "even does not train"
./even step --weights even.safetensors --image way.pgm | grep -q '^  its kernels' || fail "no kernels behind normalise"

# Who embeds a network does not carry it.
for options in "" "--style=fast" "--infer" "--infer --main" "--infer --weights=way.safetensors --style=fast"; do
    # shellcheck disable=SC2086
    "$cnnc" $options way.cnn -o plain.c || fail "$options"
    grep -qE '_look\(|look_at|static const cnn_map' plain.c && fail "there is something to look at in the code of: cnnc $options"
done

echo "step: $shown pictures, the same by cnnc and by the programs"
exit $failed
