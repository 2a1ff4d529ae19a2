#!/usr/bin/env bash
# install.sh BUILD OUT: what `cmake --install` lays down is used from there, in a folder with a space in its name: `cnnc new` by make and by CMake (ninja and
# make), cnnc_add_network with all its words, the same by add_subdirectory of the sources, cnnc.mk, pkg-config, DESTDIR, and the Debian package. The last line is `integrate: N passed, M failed`.
set -u
export LC_ALL=C
build=$(realpath "$1")
sources=$(realpath "$(dirname "$0")/../..")
out=$2
passed=0
failed=0
rm -rf "$out"
mkdir -p "$out/a place"
cd "$out/a place" || exit 2
log=$(realpath ..)/log

# ok WHAT COMMAND...
ok() {
    local what=$1
    shift
    if "$@" > "$log" 2>&1 < /dev/null; then passed=$((passed + 1)); else echo "FAIL $what: $*"; tail -n 30 "$log"; failed=$((failed + 1)); fi
}
not() { ! "$@"; }

# ---- the prefix, and the same under DESTDIR
prefix="$PWD/my prefix"
ok "cmake --install"                    cmake --install "$build" --prefix "$prefix"
ok "cmake --install under DESTDIR"      env DESTDIR="$PWD/stage" cmake --install "$build" --prefix /usr
ok "the same files"                     diff <(cd "$prefix" && find . -type f | sort) <(cd stage/usr && find . -type f | sort)
ok "no path of the build in them"       not grep -rlF "$build" "$prefix/lib/cmake" "$prefix/share" "$prefix/lib/pkgconfig"
export PATH="$prefix/bin:$PATH"
ok "cnnc runs from there"               cnnc --version
cnnc --version | grep -q 'without LLVM' || ok "and finds LLVM"     cnnc "$sources/tests/llvm/small.cnn" -o small.o
ok "a cnnc that is not installed has no cnnc.mk" not "$build/compiler/cnnc" --makefile

# ---- cnnc new
ok "cnnc new"                           cnnc new 'my digits'
ok "cnnc new keeps what is there"       not cnnc new 'my digits'
ok "cnnc new without a folder is misused" sh -c 'cnnc new; [ $? -eq 2 ]'
ok "nothing is left of a failure"       sh -c '! cnnc new none/here && ! ls none* 2> /dev/null'
for name in main 3d 'ÄÖ' x.y/; do
    ok "a project called $name"         cnnc new "$name"
    ok "and its network"                sh -c 'cnnc "$1"/*.cnn' sh "$name"
done
sed -i 's/train=[0-9]*, test=[0-9]*/train=64, test=32/; s/epochs *[0-9]*/epochs 1/' 'my digits/my_digits.cnn'
cd 'my digits' || exit 2
ok "make -j2"                           make -j2 CFLAGS=-O1
ok "make again has nothing to do"       make -q CFLAGS=-O1
ok "the program trains"                 ./my_digits
ok "and knows its weights then"         sh -c './my_digits | grep -q "^5994 weights" && ! ./my_digits | grep -q training'
sleep 0.02
touch my_digits.cnn
ok "make sees a newer network"          not make -q CFLAGS=-O1
ok "make clean"                         make clean
ok "and only sources and weights stay"  sh -c '[ "$(ls | tr "\n" " ")" = "CMakeLists.txt Makefile main.c my_digits.cnn my_digits.safetensors " ]'
ok "make CNNC=, without a PATH to it"   env PATH="/usr/bin:/bin" make CFLAGS=-O0 CNNC="\"$prefix/bin/cnnc\""
ok "make without cnnc says so"          sh -c 'PATH=/usr/bin:/bin make clean 2>&1 | grep -q "cnnc was not found"'
generators=("Unix Makefiles")
command -v ninja > /dev/null && generators+=("Ninja")
for generator in "${generators[@]}"; do
    ok "cmake, $generator"              cmake -G "$generator" -S . -B "by $generator" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug
    ok "cmake --build -j2, $generator"  cmake --build "by $generator" -j2
    ok "the program runs, $generator"   "by $generator/my_digits"
done
cd .. || exit 2

# ---- cnnc_add_network
mkdir 'by hand'
cd 'by hand' || exit 2
cp '../my digits/my_digits.safetensors' 'my weights.safetensors'
cp '../my digits/my_digits.cnn' digits.cnn
sed -n '/^network/,/^}/p' digits.cnn > network.part && sed -i '/^network/,/^}/d' digits.cnn
mv network.part 'the network.cnn'
sed -i '1i import "the network.cnn"' digits.cnn
cat > infer.c << 'END'
#include "digits.h"
#include <stdio.h>
int main(void)
{
    static float x[MY_DIGITS_INPUTS], y[MY_DIGITS_OUTPUTS];
    My_digits_predict(x, y);
    printf("%.6f\n", (double)y[0]);
    return 0;
}
END
sed -i '1i param filters = 8' 'the network.cnn'
sed -i 's/conv 8,/conv filters,/' 'the network.cnn'
cat > CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.20)
project(by_hand LANGUAGES C)
find_package(cnnc 0.1 REQUIRED)
cnnc_add_network(trained digits.cnn STYLE lesson WEIGHTS "my weights.safetensors" OPTIONS -Wall)
cnnc_add_network(plain digits.cnn INFER)
cnnc_add_network(program digits.cnn MAIN STYLE fast MACHINE sse2 REAL double TILE 8 DEFINES filters=4)
add_executable(infer infer.c)
target_link_libraries(infer PRIVATE trained)
END
for generator in "${generators[@]}"; do
    folder="by $generator"
    ok "cnnc_add_network, $generator"   cmake -G "$generator" -S . -B "$folder" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug
    ok "build, $generator"              cmake --build "$folder" -j2
    ok "embedded weights, $generator"   sh -c '"$1/infer" | grep -q "^0\.[0-9]"' sh "$folder"
    ok "a program, $generator"          "$folder/program" help
    before=$(stat -c %Y.%y "$folder/trained.cnnc/digits.c")
    ok "again, $generator"              cmake --build "$folder"
    ok "nothing was made, $generator"   [ "$before" = "$(stat -c %Y.%y "$folder/trained.cnnc/digits.c")" ]
    sleep 0.02
    touch 'the network.cnn'
    ok "an import is newer, $generator" cmake --build "$folder"
    ok "so it was made, $generator"     [ "$before" != "$(stat -c %Y.%y "$folder/trained.cnnc/digits.c")" ]
    before=$(stat -c %Y.%y "$folder/trained.cnnc/digits.c")
    sleep 0.02
    touch 'my weights.safetensors'
    ok "weights are newer, $generator"  cmake --build "$folder"
    ok "so they are embedded, $generator" [ "$before" != "$(stat -c %Y.%y "$folder/trained.cnnc/digits.c")" ]
done
sed 's/ INFER)/ INFERENCE)/' CMakeLists.txt > wrong.txt && mkdir -p wrong && mv wrong.txt wrong/CMakeLists.txt
ok "a word that is none"                sh -c 'cmake -S wrong -B wrong/b -DCMAKE_PREFIX_PATH="$1" 2>&1 | tr -s " \n" " " | grep -q "INFERENCE. is none of its words"' sh "$prefix"

# ---- the same from the sources, by add_subdirectory; a target called `base` is the user's
mkdir 'with sources'
cp digits.cnn 'the network.cnn' 'my weights.safetensors' infer.c 'with sources'
ln -s "$sources" 'with sources/the compiler'
sed 's/^find_package.*/set(CNNC_LLVM OFF)\nadd_subdirectory("the compiler" "of cnnc" EXCLUDE_FROM_ALL)\nadd_library(base STATIC infer.c)/' CMakeLists.txt > 'with sources/CMakeLists.txt'
echo 'install(TARGETS infer)' >> 'with sources/CMakeLists.txt'
generator=${generators[-1]}
folder='with sources/by sources'
ok "add_subdirectory, $generator"       cmake -G "$generator" -S 'with sources' -B "$folder" -DCNN_MPI=OFF -DCMAKE_C_FLAGS_RELEASE=-O0
ok "build, $generator"                  cmake --build "$folder" --target infer program -j2
ok "embedded weights, add_subdirectory" [ "$("$folder/infer")" = "$("by $generator/infer")" ]
ok "a program, add_subdirectory"        "$folder/program" help
ok "its build type stays the user's"    sh -c 'grep -q "^CMAKE_BUILD_TYPE:STRING=$" "$1/CMakeCache.txt"' sh "$folder"
ok "nothing else is installed"          sh -c 'DESTDIR="$PWD/sub" cmake --install "$1" --prefix /p && [ "$(find sub -type f)" = sub/p/bin/infer ]' sh "$folder"

# ---- pkg-config
if command -v pkg-config > /dev/null; then
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    ok "cnnc --main"                    cnnc --main digits.cnn -o main.c
    ok "pkg-config, static"             sh -c 'eval cc main.c $(pkg-config --cflags --static --libs libcnn | sed "s/-lcnn/-l:libcnn.a/") -o static && ./static help'
    ok "pkg-config, shared"             sh -c 'eval cc main.c $(pkg-config --cflags --libs libcnn) -o shared && LD_LIBRARY_PATH="$1/lib" ./shared help' sh "$prefix"
fi
cd .. || exit 2

# ---- the package
if command -v dpkg-deb > /dev/null && command -v dpkg-shlibdeps > /dev/null; then
    ok "cpack"                          cpack --config "$build/CPackConfig.cmake" -G DEB -B "$PWD/package"
    ok "unpack it"                      sh -c 'dpkg-deb -x package/cnnc_*.deb unpacked'
    ok "the same files"                 diff <(cd stage/usr && find . -type f | sort) <(cd unpacked/usr && find . -type f | sort)
    ok "cnnc in it"                     unpacked/usr/bin/cnnc --version
    ok "it says what it needs"          sh -c 'dpkg-deb -f package/cnnc_*.deb Depends | grep -q libc6'
fi

echo "integrate: $passed passed, $failed failed"
[ $failed -eq 0 ]
