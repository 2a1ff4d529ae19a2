#!/usr/bin/env bash
# format.sh CNNC NETS OUT: cnnc format over every network of the repository and the random ones in the folder NETS: the same tree before and after, the same
# text the second time, and no comment lost; and by itself: in place, --check, standard input, columns, line ends, what cannot be parsed. The last line is
# `integrate: N passed, M failed`.
set -u
export LC_ALL=C
cnnc=$(realpath "$1")
nets=$(realpath -m "$2")
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$3
passed=0
failed=0
rm -rf "$out"
mkdir -p "$out"
cd "$out" || exit 2

ok() {
    local what=$1
    shift
    if "$@" > log 2>&1 < /dev/null; then passed=$((passed + 1)); else echo "FAIL $what: $*"; tail -n 20 log; failed=$((failed + 1)); fi
}

# tree FILE: its tree, without what stands for its name.
tree() { "$cnnc" --dump=ast - < "$1" 2> /dev/null; }
comments() { grep -oE '(#|//).*' "$1" | tr -d ' \t\r' | sort; }

count=0
while IFS= read -r file; do
    "$cnnc" format - < "$file" > once 2> err || { grep -q internal err && { echo "FAIL $file"; cat err; failed=$((failed + 1)); }; continue; }
    count=$((count + 1))
    "$cnnc" format - < once > twice
    cmp -s once twice || { echo "FAIL $file: not the same the second time"; diff once twice | head -n 5; failed=$((failed + 1)); }
    # Imports are found from the folder of a file, not from standard input; those trees are compared by cnnc format itself.
    grep -q '^ *import' "$file" || [ "$(tree "$file")" = "$(tree once)" ] || { echo "FAIL $file: another tree"; failed=$((failed + 1)); }
    [ "$(comments "$file")" = "$(comments once)" ] || { echo "FAIL $file: other comments"; failed=$((failed + 1)); }
done < <(find "$top/examples" "$top/tests" "$nets" -name '*.cnn' 2> /dev/null)
if [ $count -ge 60 ]; then passed=$((passed + count)); else echo "FAIL only $count networks"; failed=$((failed + 1)); fi

ok "the examples are formatted"         "$cnnc" format --check "$top"/examples/*/*.cnn "$top"/examples/lessons/*/*.cnn
printf '\nblock  a(f ,g = -2 ){relu;conv f,3x3 ,  same->relu}#one\n\n\n network N{input 4x4x1 // two\n\n  a   2*3 , 4 - -1 # three\n      left=maxpool 2x2,\nstride=( 2,1 )\n  # four\n\n }\n train N on "x"{\nepochs    3\n   loss      quadratic # five\nexpect    accuracy>=90%%\n}' > a.cnn
cat > want << 'END'
block a(f,g=-2) { relu; conv f, 3x3, same -> relu }  #one

network N { input 4x4x1  // two

  a 2*3, 4 - -1    # three
  left = maxpool 2x2,
      stride=(2,1)
  # four
}
train N on "x" {
  epochs    3
  loss      quadratic  # five
  expect    accuracy >= 90%
}
END
chmod 640 a.cnn
ok "--check finds it"                   sh -c '[ "$("$1" format --check a.cnn; echo $?)" = "a.cnn
1" ]' sh "$cnnc"
ok "in place"                           "$cnnc" format a.cnn
ok "as it should be"                    diff want a.cnn
ok "its rights stay"                    sh -c '[ "$(stat -c %a a.cnn)" = 640 ]'
ok "--check is content"                 "$cnnc" format --check a.cnn
printf 'network N { input 4\r\n dense 2 }\r\n' | "$cnnc" format - > crlf
ok "line ends stay"                     sh -c 'printf "network N { input 4\r\n  dense 2 }\r\n" | cmp - crlf'
printf '\357\273\277network N { input 4; dense 2 }' | "$cnnc" format - > bom
ok "the byte order mark stays"          sh -c 'printf "\357\273\277network N { input 4; dense 2 }\n" | cmp - bom'
echo 'network N { input 4; dense  ( }' > wrong.cnn
cp wrong.cnn before
ok "what cannot be parsed is an error"  sh -c '"$1" format wrong.cnn; [ $? -eq 1 ]' sh "$cnnc"
ok "and stays as it is"                 cmp before wrong.cnn
ok "no file is misused"                 sh -c '"$1" format; [ $? -eq 2 ]' sh "$cnnc"
ok "nothing is left beside"             sh -c '! ls *.tmp*'
echo "integrate: $passed passed, $failed failed"
[ $failed -eq 0 ]
