#!/bin/sh
# get-data.sh: fetches a public data set into data/NAME, where the examples look for it.
#
#   examples/get-data.sh mnist | fashion_mnist | cifar10 | cifar100 [FOLDER]
#
# Every file is compared with its published checksum before it gets its name. What is there already is not fetched again,
# and a download that was interrupted goes on where it stopped. FOLDER is where data/ stands otherwise.
set -eu

usage() {
    echo "usage: examples/get-data.sh mnist | fashion_mnist | cifar10 | cifar100 [FOLDER]" >&2
    exit 2
}

fail() {
    echo "get-data.sh: error: $1" >&2
    shift
    for help in "$@"; do echo "  help: $help" >&2; done
    exit 1
}

# matches CHECKSUM FILE: 64 digits are a sha256, 32 an md5.
matches() {
    [ -f "$2" ] || return 1
    case ${#1} in
    64) found=$(sha256sum <"$2") ;;
    32) found=$(md5sum <"$2") ;;
    esac
    [ "${found%% *}" = "$1" ]
}

# fetch URL FILE: goes on with FILE where it ends.
fetch() {
    if command -v curl >/dev/null; then
        curl --fail --location --silent --show-error --retry 3 --connect-timeout 20 --continue-at - --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --tries=3 --timeout=20 --continue --output-document="$2" "$1"
    else
        fail "neither curl nor wget is there to fetch with" "sudo apt-get install curl"
    fi
}

# get CHECKSUM FILE ADDRESS...: the first address that gives the right bytes will do. The first is asked again at the end, in
# case that what it went on with was the beginning of another file.
get() {
    expected=$1 file=$2
    shift 2
    if matches "$expected" "$folder/$file"; then
        echo "$file: is there"
        return
    fi
    part=$folder/$file.part
    for address in "$@" "$1"; do
        matches "$expected" "$part" || {
            echo "$file: fetching $address/$file"
            fetch "$address/$file" "$part" || { echo "$file: that did not work" >&2; continue; }
        }
        if matches "$expected" "$part"; then
            mv "$part" "$folder/$file"
            return
        fi
        echo "$file: its bytes are not the published ones; dropped" >&2
        rm -f "$part"
    done
    fail "$file could not be fetched" "any machine with access to $1/$file will do; put the file into $folder and call this again"
}

# unpack ARCHIVE: its files, without the folder that they lie in, then the archive goes.
unpack() {
    tar -xzf "$folder/$1" -C "$folder" --strip-components=1
    rm "$folder/$1"
}

# ---- the sets

idx_labels_and_images() {           # ADDRESS...; the sums are those of the four files in this order
    get "$sum_train_images" train-images-idx3-ubyte.gz "$@"
    get "$sum_train_labels" train-labels-idx1-ubyte.gz "$@"
    get "$sum_test_images" t10k-images-idx3-ubyte.gz "$@"
    get "$sum_test_labels" t10k-labels-idx1-ubyte.gz "$@"
}

mnist() {                           # LeCun, Cortes, Burges
    sum_train_images=440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609
    sum_train_labels=3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c
    sum_test_images=8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6
    sum_test_labels=f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6
    idx_labels_and_images https://storage.googleapis.com/cvdf-datasets/mnist https://ossci-datasets.s3.amazonaws.com/mnist \
        http://yann.lecun.com/exdb/mnist
}

fashion_mnist() {                   # Xiao, Rasul, Vollgraf: Zalando
    sum_train_images=3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84
    sum_train_labels=a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845
    sum_test_images=346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073
    sum_test_labels=67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5
    idx_labels_and_images http://fashion-mnist.s3-website.eu-central-1.amazonaws.com \
        https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion
}

cifar10() {                         # Krizhevsky
    [ -f "$folder/data_batch_5.bin" ] && [ -f "$folder/test_batch.bin" ] && { echo "cifar10: is there"; return; }
    get c32a1d4ab5d03f1284b67883e8d87530 cifar-10-binary.tar.gz https://www.cs.toronto.edu/~kriz
    unpack cifar-10-binary.tar.gz
}

cifar100() {
    [ -f "$folder/train.bin" ] && [ -f "$folder/test.bin" ] && { echo "cifar100: is there"; return; }
    get 03b5dce01913d631647c71ecec9e9cb8 cifar-100-binary.tar.gz https://www.cs.toronto.edu/~kriz
    unpack cifar-100-binary.tar.gz
}

[ $# -eq 1 ] || [ $# -eq 2 ] || usage
case $1 in
mnist | fashion_mnist | cifar10 | cifar100) ;;
*) usage ;;
esac
data=${2:-$(cd "$(dirname "$0")/.." && pwd)/data}
folder=$data/$1
mkdir -p "$folder"
"$1"
echo "$1 is in $folder"
