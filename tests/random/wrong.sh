#!/usr/bin/env bash
# wrong.sh AGREE CNNC DIR: agree finds mistakes. The compiler is replaced by one whose C is wrong in one place, one mistake at a time; agree must
# fail for each, and pass without one.
set -u
agree=$(realpath "$1")
cnnc=$(realpath "$2")
mkdir -p "$3"
dir=$(realpath "$3")
net=$(cd "$(dirname "$0")/../golden/c" && pwd)/normal.cnn
failed=0

# try STATUS WHAT SED: agree with a compiler that edits its C.
try() {
    cat > "$dir/cnnc" <<END
#!/bin/sh
"$cnnc" "\$@" || exit
for file; do :; done
sed -i -e '$3' "\$file"
END
    chmod +x "$dir/cnnc"
    "$agree" --quick --jobs=1 --cnnc="$dir/cnnc" --dir="$dir/nets" --cc="${CC:-cc} -O0 -w" "$net" > "$dir/log" 2>&1
    local status=$?
    if [ $status -ne "$1" ]; then
        echo "agree ended with $status instead of $1: $2"
        tail -n 5 "$dir/log"
        failed=1
    elif [ "$1" -eq 1 ] && ! grep -q 'apart from the reference' "$dir/log"; then
        echo "agree failed, but for another reason: $2"
        tail -n 5 "$dir/log"
        failed=1
    fi
}

try 0 "no mistake" ''
try 1 "an output is off by 2e-5 of itself" 's/= sum;/= sum * 1.00002f;/'
try 1 "a gradient of a weight is replaced instead of added up" 's/^\( *dw\[.*\) += /\1 = /'
try 1 "leaky leaks another part" 's/0\.1f \*/0.11f */'
try 1 "dropout keeps a little more" 's/0\.25f/0.3f/'
[ $failed -eq 0 ] && echo "agree: mistakes are found"
exit $failed
