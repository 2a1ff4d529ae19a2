#!/usr/bin/env bash
# outputs.sh CNNC OUT: what build systems rely on: depfiles that make and ninja understand, exit statuses, the same bytes from every folder, nothing
# half-written, warnings as errors, and reports as JSON and SARIF. The last line is `integrate: N passed, M failed`.
set -u
export LC_ALL=C
cnnc=$(realpath "$1")
out=$2
here=$(cd "$(dirname "$0")" && pwd)
passed=0
failed=0
rm -rf "$out"
mkdir -p "$out/a folder"
cd "$out/a folder" || exit 2

# ok WHAT COMMAND...
ok() {
    local what=$1
    shift
    if "$@" > log 2>&1 < /dev/null; then passed=$((passed + 1)); else echo "FAIL $what: $*"; tail -n 20 log; failed=$((failed + 1)); fi
}

# status N WHAT COMMAND...
status() {
    local want=$1 what=$2 got
    shift 2
    "$@" > log 2>&1 < /dev/null
    got=$?
    if [ $got -eq "$want" ]; then passed=$((passed + 1)); else echo "FAIL $what: status $got instead of $want: $*"; tail -n 20 log; failed=$((failed + 1)); fi
}

cat > 'a net.cnn' << 'END'
import "parts $1.cnn"
network N { input 4x4x1; part; maxpool 3x3; dense 2, softmax }
END
echo 'block part { conv 2, 3x3, same, relu }' > 'parts $1.cnn'
echo 'network N { input 4x4x1; conv 2, 9x9 }' > wrong.cnn
echo 'network N { input 2; dense 2, softmax }' > small.cnn

# ---- exit statuses
status 0 "a right file"                  "$cnnc" small.cnn
status 0 "a warning"                     "$cnnc" -Wall 'a net.cnn' -o w.c
status 1 "a wrong file"                  "$cnnc" wrong.cnn -o wrong.c
status 2 "an error that there is not"   "$cnnc" explain E999
status 1 "a file that is not there"      "$cnnc" none.cnn
status 1 "a folder that is not there"    "$cnnc" small.cnn -o none/small.c
status 1 "a warning that is an error"    "$cnnc" -Wall -Werror 'a net.cnn' -o e.c
status 0 "-Wno-NAME takes it back"       "$cnnc" -Wall -Werror -Wno-pool-rows 'a net.cnn' -o e2.c
status 0 "-Wno-error takes it back"      "$cnnc" -Wall -Werror -Wno-error 'a net.cnn' -o e3.c
status 2 "an option that is unknown"     "$cnnc" --none small.cnn
status 2 "a warning that is unknown"     "$cnnc" -Wnone small.cnn
status 2 "-MD without a file"            "$cnnc" -MD small.cnn -o -
status 2 "no file"                       "$cnnc"
ok "nothing is written after an error"   test ! -e wrong.c -a ! -e e.c
if "$cnnc" --version | grep -q 'without LLVM'; then
    echo old > both.c                    # the second output fails: the first one stays as it was
    status 1 "the second output fails"   "$cnnc" small.cnn -o both.c -o both.o
    ok "the first output is untouched"   grep -qx old both.c
fi

# ---- styles: what runs is made for the machine, what people look at has the loops of the formulas
"$cnnc" small.cnn -o default.c && "$cnnc" --style=fast small.cnn -o fast.c && "$cnnc" --style=lesson small.cnn -o lesson.c
ok "C is of style fast"                  cmp default.c fast.c
status 1 "and that is not the lesson"    cmp -s default.c lesson.c
"$cnnc" small.cnn -o default.html && "$cnnc" --style=lesson small.cnn -o lesson.html
ok "a page shows the lesson"             cmp default.html lesson.html
status 0 "a page beside C of the lesson" "$cnnc" --style=lesson small.cnn -o l.html -o l.c
status 2 "a page beside C of style fast" "$cnnc" small.cnn -o f.html -o f.c
ok "it says how to get both"             sh -c "'$cnnc' small.cnn -o f.html -o f.c 2>&1 | grep -q 'beside code they need --style=lesson, or a call of their own'"
printf 'network M { input 4x4x1; relu; maxpool 2x2; dense 2, softmax }\n' > order.cnn
ok "--explicit keeps the order of lines" sh -c "'$cnnc' --explicit order.cnn | tr -d '\n' | grep -q 'relu1 = relu.*maxpool1 = maxpool'"

# ---- standard output, and the same bytes
mkfifo pipe
cat pipe > piped.c &
ok "a pipe is written to"                timeout 20 "$cnnc" small.cnn --emit=c -o pipe
ok "and stays a pipe"                    test -p pipe
[ -p pipe ] || kill %1                   # nobody writes to it any more
wait
ok "what comes through is the file"      test -s piped.c
"$cnnc" 'a net.cnn' -o - > stdout.c
"$cnnc" 'a net.cnn' -o file.c -o file.h
ok "-o - is the file"                    cmp stdout.c file.c
(cd .. && "$cnnc" 'a folder/a net.cnn' -o again.c -o again.h)
ok "C is the same from another folder"   cmp file.c ../again.c
ok "the header, too"                     cmp file.h ../again.h
"$cnnc" - < small.cnn > net1 && "$cnnc" small.cnn > net2
ok "standard input is a file"            cmp net1 net2

# ---- depfiles
"$cnnc" -MD 'a net.cnn' -o made.c -o made.h
cat > made.want << 'END'
made.c made.h: a\ net.cnn \
  parts\ $$1.cnn

parts\ $$1.cnn:
END
ok "-MD"                                 cmp made.d made.want
"$cnnc" -MF 'b.d' 'a net.cnn' -o made.c
ok "-MF"                                 grep -q '^made.c: a. net.cnn' b.d
cat > Makefile << END
made.c made.h:
	"$cnnc" -MD 'a net.cnn' -o made.c -o made.h
-include made.d
END
ok "make: first"                         make
ok "make: nothing to do"                 make -q made.c
sleep 0.02
touch 'parts $1.cnn'
status 1 "make: an import is newer"      make -q made.c
ok "make: again"                         make
sed -i '1d; s/part;/relu;/' 'a net.cnn'
rm 'parts $1.cnn'
ok "make: an import is gone"             make
echo 'block part { relu }' > 'parts $1.cnn'
sed -i '1i import "parts $1.cnn"' 'a net.cnn'
if command -v ninja > /dev/null; then
    { echo 'rule cnnc'; echo "  command = '$cnnc' -MF \$out.d 'a net.cnn' -o \$out"; echo '  depfile = $out.d'; echo '  deps = gcc'; echo 'build n.c: cnnc a$ net.cnn'; } > build.ninja
    ok "ninja: first"                    ninja
    ok "ninja: nothing to do"            sh -c 'ninja -n | grep -q "no work"'
    sleep 0.02
    touch 'parts $1.cnn'
    ok "ninja: an import is newer"       sh -c '! ninja -n | grep -q "no work"'
fi
"$cnnc" --main small.cnn -o t.c          # weights are made without a run of the runtime, by hand: a header and six numbers
python3 - << 'END'
import json, struct
head = json.dumps({"dense1.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "dense1.bias": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]}}).encode()
open("w.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + struct.pack("<6f", 1, 2, 3, 4, 5, 6))
END
"$cnnc" --infer --weights w.safetensors -MD small.cnn -o i.c
ok "weights are a dependency"            grep -q 'w.safetensors:' i.d
ok "weights stand behind the source"     sh -c 'tr -d "\\\\\n" < i.d | grep -q "^i.c: small.cnn *w.safetensors"'

# ---- reports for machines
ok "JSON and SARIF"                      python3 "$here/reports.py" "$cnnc"

echo "integrate: $passed passed, $failed failed"
[ $failed -eq 0 ]
