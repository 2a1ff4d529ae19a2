#!/usr/bin/env bash
# run.sh [--quick] [--update] [STAGE...]: builds everything and runs every test. On a fresh Debian or Ubuntu machine it installs what is
# missing first, by apt-get (with sudo where needed). One line a test; the last line is `N passed, M failed`, and the exit status is
# 1 if anything failed.
#
#   --quick          fewer random networks, no sanitizers
#   --update         rewrite the golden files; the difference is then reviewed with git
#   STAGE...         only these stages (see the end of this file)
#   CNNC_RANDOM=N    random networks to compare (50)      CNNC_SEED=N  the first seed (1)
#   CNNC_BUILD=DIR   where to build (build-tests/)        CNN_DATA=DIR where data sets are looked for
#   CNNC_TARGETS=1   install the compilers and emulators of other machines, too
#   CNNC_JOBS=N      processes at a time (all cores)
set -u
export LC_ALL=C
export OMP_WAIT_POLICY=passive      # threads that wait leave the cores to the tests beside them
cd "$(dirname "$0")/.." || exit 2
top=$PWD

quick=no
update=no
stages=
for word in "$@"; do
    case $word in
        --quick)  quick=yes ;;
        --update) update=yes ;;
        -*)       sed -n '2,14s/^# \{0,1\}//p' "$top/tests/run.sh"; exit 2 ;;
        *)        stages="$stages $word" ;;
    esac
done
out=$(realpath -m "${CNNC_BUILD:-build-tests}")
jobs=${CNNC_JOBS:-$(nproc 2>/dev/null || echo 2)}
seed=${CNNC_SEED:-1}
networks=${CNNC_RANDOM:-$([ $quick = yes ] && echo 10 || echo 50)}
mkdir -p "$out/logs" || exit 2

passed=0
failed=0

# ---- what a test says

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }

# say STATUS NAME TIME [WHY]
say() {
    printf '%-5s %-44s %9s%s\n' "$1" "$2" "$3" "${4:+   $4}"
    case $1 in
        ok)   passed=$((passed + 1)) ;;
        FAIL) failed=$((failed + 1)) ;;
    esac
}

skip() { say skip "$1" "" "$2"; }

# test_it NAME COMMAND...: one test. Its output goes to a log; the last lines of it are shown if it fails, the last one if it passes and
# is a summary ("NAME: ...").
test_it() {
    local name=$1 log begun status
    shift
    log=$out/logs/$(printf '%s' "$name" | tr ' /' '__').log
    begun=$(now)
    "$@" > "$log" 2>&1 < /dev/null
    status=$?
    if [ $status -eq 0 ]; then
        say ok "$name" "$(since "$begun")" "$(tail -n 3 "$log" | sed -n 's/^\(agree\|same\|page\|explicit\|step\|llvm\|layers\|golden\|torch\|lint\|strict\|variants\|docs\|examples\|curve\|bench\|integrate\|mpi\|threads\|avx512\): //p' | tail -n 2 | paste -sd '|' | sed 's/|/; /g')"
    else
        say FAIL "$name" "$(since "$begun")" "status $status; all of it: ${log#"$top"/}"
        tail -n 40 "$log" | sed 's/^/      /'
    fi
    return $status
}

# ---- what is needed

have() { command -v "$1" > /dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; elif have sudo; then sudo "$@"; else return 1; fi
}

# Debian packages that are missing, needed ones in $1 and wished for ones in $2.
missing_packages() {
    local needed='' wished=''
    have cc || have gcc || needed="$needed gcc"
    [ -e /usr/include/stdio.h ] || needed="$needed libc6-dev"
    have cmake || needed="$needed cmake"
    have make || needed="$needed make"      # the examples have Makefiles
    have flex || needed="$needed flex"
    have bison || needed="$needed bison"
    have python3 || wished="$wished python3"
    [ -e /usr/include/zlib.h ] || needed="$needed zlib1g-dev"
    [ -e /usr/include/cmocka.h ] || needed="$needed libcmocka-dev"
    [ -e /usr/include/png.h ] || wished="$wished libpng-dev"
    [ -e /usr/include/cjson/cJSON.h ] || wished="$wished libcjson-dev"
    have pkg-config || wished="$wished pkg-config"
    have mandoc || wished="$wished mandoc"
    have zsh || wished="$wished zsh"
    have fish || wished="$wished fish"
    { have mpirun && have mpicc; } || wished="$wished libopenmpi-dev openmpi-bin"
    have clang || have clang-19 || wished="$wished clang"
    find_llvm || wished="$wished llvm-19-dev"
    find_browser > /dev/null || wished="$wished chromium"
    have gdb || wished="$wished gdb"
    if [ -n "${CNNC_TARGETS:-}" ]; then         # for the objects of other machines: large, so only if asked for
        wished="$wished qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-riscv64-linux-gnu libc6-dev-riscv64-cross"
        wished="$wished qemu-system-arm gcc-arm-none-eabi libnewlib-arm-none-eabi clang-19 lld-19 nodejs"
        wished="$wished qemu-system-misc gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"
        wished="$wished bochs bochsbios vgabios isolinux syslinux-common xorriso cpio busybox-static"
    fi
    needed_packages=$needed
    wished_packages=$wished
}

# The LLVM that CMake will find, or nothing.
find_llvm() {
    local name
    for name in llvm-config-19 llvm-config-18 llvm-config-17 llvm-config-16; do
        have "$name" && [ -e "$("$name" --includedir)/llvm-c/Core.h" ] && return 0
    done
    return 1
}

# A browser that runs without a screen, or nothing.
find_browser() {
    local name
    for name in chromium chromium-browser google-chrome; do have "$name" && command -v "$name" && return 0; done
    return 1
}

install() { as_root apt-get install -q -y --no-install-recommends "$@" >> "$out/logs/apt.log" 2>&1 < /dev/null; }

install_missing() {
    missing_packages
    [ -n "$needed_packages$wished_packages" ] || return 0
    if ! have apt-get; then
        [ -z "$needed_packages" ] || echo "missing, and there is no apt-get to install them:$needed_packages"
        return 0
    fi
    echo "installing$needed_packages$wished_packages"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -q > "$out/logs/apt.log" 2>&1 < /dev/null
    # shellcheck disable=SC2086  # packages are words
    install $needed_packages $wished_packages && return 0
    for package in $needed_packages $wished_packages; do        # one that is not there keeps none of the others away
        install "$package" || echo "could not install $package; see ${out#"$top"/}/logs/apt.log"
    done
}

gcc=$(command -v gcc || command -v cc)
clang=

find_compilers() {
    local name
    gcc=$(command -v gcc || command -v cc)
    for name in clang-19 clang clang-18 clang-17 clang-16 clang-15 clang-14; do
        if have "$name"; then clang=$(command -v "$name"); break; fi
    done
}

# ---- builds

generator=()
torch=                          # a python3 that has PyTorch, or nothing

find_torch() {
    local python
    for python in python3 /usr/bin/python3; do
        if have "$python" && "$python" -c 'import torch, numpy' > /dev/null 2>&1; then torch=$python; return; fi
    done
}

# build NAME OPTIONS...: configures and builds into $out/NAME.
build() {
    local dir=$out/$1
    shift
    cmake "${generator[@]}" -S "$top" -B "$dir" "$@" && cmake --build "$dir" -j "$jobs"
}

stage_build() {
    have ninja && [ ! -e "$out/main/Makefile" ] && generator=(-G Ninja)
    test_it "build, warnings as errors" build main -DCNNC_WERROR=ON -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="$gcc" || return 1
    cnnc=$out/main/compiler/cnnc
    with_llvm=no
    "$cnnc" --targets > /dev/null 2>&1 && with_llvm=yes
    if [ $quick = yes ]; then
        skip "build under ASan and UBSan" "--quick"
    else
        test_it "build under ASan and UBSan, asserts on" build sanitized -DCNNC_WERROR=ON -DCNNC_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug \
            -DCMAKE_C_COMPILER="$gcc"
    fi
    if [ -n "$clang" ] && [ $quick = no ]; then
        test_it "build with clang, warnings as errors" build clang -DCNNC_WERROR=ON -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER="$clang"
    else
        skip "build with clang" "$([ -n "$clang" ] && echo --quick || echo "no clang")"
    fi
    return 0        # the other stages can do without these two
}

# ---- stages

stage_arrows() {
    test_it "include arrows between the rooms" tests/arrows.sh "$top"
    test_it "a wrong include arrow is found" tests/arrows.sh --self-test
}

# ctest_lines NAME DIR: every test of ctest is a line.
ctest_lines() {
    local log=$out/logs/ctest-$1.log line name state took any=no
    ctest --test-dir "$2" -j "$jobs" --output-on-failure --no-tests=error > "$log" 2>&1 < /dev/null
    while IFS= read -r line; do
        if [[ $line =~ Test\ +#[0-9]+:\ ([^ ]+)\ \.*\ *(\*\*\*)?([A-Za-z]+)[^0-9]*\ ([0-9.]+)\ sec ]]; then
            name=${BASH_REMATCH[1]}
            state=${BASH_REMATCH[3]}
            took=${BASH_REMATCH[4]}
            any=yes
            if [ "$state" = Passed ]; then say ok "$1 $name" "$took s"; else say FAIL "$1 $name" "$took s" "$state; all of it: ${log#"$top"/}"; fi
        fi
    done < <(grep -E '^ *[0-9]+/[0-9]+ Test ' "$log")
    if [ $any = no ]; then
        say FAIL "$1 tests of C" "" "ctest found none"
        tail -n 20 "$log" | sed 's/^/      /'
    elif ! tail -n 30 "$log" | grep -q '100% tests passed'; then
        grep -vE '^ *(Start|[0-9]+/[0-9]+ Test) ' "$log" | head -n 60 | sed 's/^/      /'
    fi
}

stage_unit() {
    if [ ! -e /usr/include/cmocka.h ]; then
        skip "unit tests" "libcmocka-dev is not there"
        return
    fi
    ctest_lines unit "$out/main"
    [ -e "$out/sanitized/compiler/cnnc" ] && [ $quick = no ] && ctest_lines sanitized "$out/sanitized"
}

stage_golden() {
    local part
    for part in messages dumps c inspect; do
        if [ $update = yes ]; then
            tests/golden.sh "$cnnc" --update $part
        fi
        test_it "golden files: $part" tests/golden.sh "$cnnc" $part
    done
    [ -x "$out/sanitized/compiler/cnnc" ] && [ $quick = no ] && test_it "golden files, sanitized" tests/golden.sh "$out/sanitized/compiler/cnnc"
}

stage_layers() {
    test_it "gradients of every layer and argument" "$out/main/tests/layers_check" tests/layers/*.cnn
}

# compilers FLAGS: the --cc options for both compilers, and which compiles long code without loops.
compilers() {
    cc_options=(--cc="$gcc $1")
    long_option=()
    [ -n "$clang" ] && cc_options+=(--cc="$clang $1") && long_option=(--long-cc="$clang -O0 -w")
}

stage_random() {
    local agree=$out/main/tests/agree libcnn=$out/main/runtime/libcnn.a
    local llvm=()
    [ $with_llvm = yes ] && llvm=(--llvm)
    compilers "-O3 -march=native -w"
    # A network meets two that follow each other. Optimising takes most of the time: one network of eight meets each compiler that does.
    if [ -n "$clang" ]; then
        cc_options=()
        for cc in "$gcc -O3 -march=native -w" "$clang -O3 -march=native -w"; do
            cc_options+=("--cc=$cc" "--cc=$clang -O0 -w" "--cc=$gcc -O0 -w" "--cc=$clang -O0 -w")
            cc_options+=("--cc=$gcc -O0 -w" "--cc=$clang -O0 -w" "--cc=$gcc -O0 -w" "--cc=$clang -O0 -w")
        done
    fi
    test_it "$networks random networks agree" "$agree" "${llvm[@]}" --cnnc="$cnnc" --libcnn="$libcnn" --dir="$out/random" --seed="$seed" \
        --count="$networks" --jobs="$jobs" "${cc_options[@]}" "${long_option[@]}"
    compilers "-O1 -w"
    test_it "$((networks / 5)) networks of whole numbers are equal" "$agree" --whole --quick --cnnc="$cnnc" --dir="$out/random-whole" \
        --seed="$seed" --count="$((networks / 5))" --jobs="$jobs" "${cc_options[@]}"
    test_it "$((networks / 2)) larger networks compile" tests/random/larger.sh "$cnnc" "$out/main/tests/bench_random" "$out/random-larger" \
        "$seed" "$((networks / 2))" tests/networks/*.cnn examples/*/*.cnn
    compilers "-O0 -w"
    cc_options=("${cc_options[@]}" "${cc_options[@]}" "${cc_options[@]:0:1}" "--cc=$gcc -O3 -march=native -w")
    test_it "networks of tests/layers agree" "$agree" --cnnc="$cnnc" --dir="$out/random-layers" --jobs="$jobs" --quick "${cc_options[@]}" \
        "${long_option[@]}" tests/layers/*.cnn
    local avx="-O3 -march=native -w"
    [ "$(uname -m)" = x86_64 ] && avx="$avx -mno-avx512f"       # the masks of AVX are those that gcc 12.2 fails on
    test_it "gcc -O3 loses no store behind a choice" "$agree" --cnnc="$cnnc" --dir="$out/random-stores" --quick "--cc=$gcc $avx" \
        tests/layers/relu_uneven.cnn
}

stage_sanitized() {
    if [ $quick = yes ]; then
        skip "a random network, all of it sanitized" "--quick"
        return
    fi
    # The program under test is built with the same sanitizers, so their runtime is there when the generated code is loaded. Checked code without
    # loops takes minutes to compile: the network is small.
    test_it "a random network, all of it sanitized" "$out/sanitized/tests/agree" --quick --cnnc="$out/sanitized/compiler/cnnc" \
        --libcnn="$out/sanitized/runtime/libcnn.a" --dir="$out/random-sanitized" --seed="$((seed + 100000))" --count=1 --work=300 --jobs="$jobs" \
        --cc="$gcc -O0 -w -fsanitize=address,undefined -fno-sanitize-recover=all"
}

without_llvm() {
    build nollvm -DCNNC_LLVM=OFF -DBUILD_TESTING=OFF -DCNNC_WERROR=ON -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER="$gcc" || return 1
    "$out/nollvm/compiler/cnnc" tests/llvm/small.cnn -o "$out/nollvm/small.ll" 2>&1 | grep 'not supported by this build of cnnc: LLVM was not found' || return 1
    "$out/nollvm/compiler/cnnc" --tune="$out/nollvm/small.tuned" tests/llvm/small.cnn 2>&1 | grep 'tune is not supported by this build of cnnc: LLVM was not found' || return 1
    "$out/nollvm/compiler/cnnc" tests/llvm/small.cnn -o "$out/nollvm/small.c" && "$cnnc" tests/llvm/small.cnn -o "$out/main/small.c" \
        && cmp "$out/nollvm/small.c" "$out/main/small.c"
}

stage_llvm() {
    if ! "$cnnc" --version | grep -q 'LLVM [0-9]'; then
        skip "LLVM" "LLVM 16 to 19 was not found (llvm-19-dev)"
        return
    fi
    test_it "LLVM's outputs and commands, bit for bit" tests/llvm/outputs.sh "$cnnc" "$out/main/runtime/libcnn.a" "$out/llvm"
    test_it "LeNet on other machines" tests/llvm/target/targets.sh "$cnnc" "$out/main/tests/llvm/expected" "$out/llvm-targets"
    mkdir -p "$out/llvm-same"
    test_it "LLVM's objects are the C file, bit for bit" "$out/main/tests/llvm/same" --cnnc="$cnnc" --cc="$gcc -O1" --dir="$out/llvm-same" \
        --seed="$seed" --count="$(((networks + 49) / 50))" tests/layers/dropout_maps.cnn
    if [ $quick = yes ]; then
        skip "a build without LLVM says so" "--quick"
    else
        test_it "a build without LLVM says so" without_llvm
    fi
}

stage_strict() {
    local commands=("$gcc")
    [ -n "$clang" ] && commands+=("$clang")
    test_it "generated C without warnings, freestanding" tests/strict.sh "$cnnc" "$out/strict" "${commands[@]}" -- \
        examples/*/*.cnn tests/golden/c/*.cnn
}

stage_variants() {
    local llvm=()
    local commands=("$gcc")
    [ -n "$clang" ] && commands+=("$clang")
    test_it "one C file for several machines" tests/variants.sh "$cnnc" "$out/variants" "${commands[@]}" -- \
        tests/golden/c/normal.cnn tests/golden/c/border.cnn
    [ $with_llvm = yes ] && llvm=(--llvm)
    CC=$gcc test_it "convolutions by tiles stay near the truth" tests/bench/rounding.sh "${llvm[@]}" "$cnnc" "$out/rounding"
}

stage_emulated() {
    if [ -z "${CNNC_TARGETS:-}" ]; then
        skip "AVX-512, emulated" "CNNC_TARGETS=1 asks for it: it takes minutes"
        return
    elif ! have bochs; then
        skip "AVX-512, emulated" "bochs is not installed"
        return
    fi
    test_it "AVX-512, emulated" tests/emulated/avx512.sh "$cnnc" "$out/main/tests/agree" "$out/emulated" "$seed" "$networks"
}

stage_messages() {
    if ! have python3; then
        skip "every message has a golden file" "no python3"
        return
    fi
    test_it "every message has a golden file" python3 tests/messages.py "$top"
    test_it "a message without a golden file is found" python3 tests/messages.py --self-test
}

stage_docs() {
    local docs=(python3 tests/docs.py "$cnnc" "$out/main/runtime/libcnn.so") lessons=(examples/lessons/README.md examples/lessons/*/README.md)
    if ! have python3; then
        skip "the pages show what the programs do" "no python3"
        return
    fi
    if [ $update = yes ]; then
        "${docs[@]}" --update
        "${docs[@]}" --update "${lessons[@]}"
    fi
    test_it "the pages show what the programs do" "${docs[@]}"
    test_it "the lessons show what the programs do" "${docs[@]}" "${lessons[@]}"
}

stage_integrate() {
    test_it "depfiles, statuses, bytes, JSON and SARIF" tests/integrate/outputs.sh "$cnnc" "$out/integrate-outputs"
    test_it "what is installed builds networks" tests/integrate/install.sh "$out/main" "$out/integrate-install"
    test_it "cnnc format" tests/integrate/format.sh "$cnnc" "$out/random" "$out/integrate-format"
    test_it "cnnc --tune, --tuned" tests/integrate/tune.sh "$cnnc" "$out/integrate-tune"
    test_it "manual pages, completions, editors" tests/integrate/reference.sh "$cnnc" "$out/main/compiler/made/pages" "$out/integrate-reference"
    if have node && node -e 'for (const p of ["vscode-textmate", "vscode-oniguruma", "vscode-languageclient/node.js"]) require.resolve(p)' 2> /dev/null; then
        test_it "what VS Code is given" node tests/integrate/vscode.js "$cnnc" "$top"
    else
        skip "what VS Code is given" "NODE_PATH has no vscode-textmate, vscode-oniguruma, vscode-languageclient@8 (npm install)"
    fi
    if ! have python3 || "$cnnc" lsp < /dev/null 2>&1 | grep -q 'not supported by this build'; then
        skip "cnnc lsp, as an editor and as nobody" "python3 or cJSON (libcjson-dev) is not there"
        return
    fi
    test_it "cnnc lsp, as an editor and as nobody" python3 tests/integrate/lsp.py "$cnnc"
    [ -x "$out/sanitized/compiler/cnnc" ] && [ $quick = no ] && test_it "cnnc lsp, sanitized" python3 tests/integrate/lsp.py "$out/sanitized/compiler/cnnc"
}

stage_inspect() {
    test_it "--explicit makes the same networks" tests/inspect/explicit.sh "$cnnc" "$out/inspect" examples/*/*.cnn examples/lessons/*/*.cnn tests/layers/*.cnn \
        tests/golden/dumps/{names,recipe,perceptron,convolutions}.cnn tests/golden/inspect/*.cnn
    test_it "cnnc step and ./net step show the same" tests/inspect/step.sh "$cnnc" "$out/main/runtime/libcnn.a" "$out/inspect-step" "$gcc"
    if have python3; then
        test_it "cnnc summary in narrow terminals" tests/inspect/narrow.sh "$cnnc" examples/lenet/lenet.cnn examples/branches/branches.cnn tests/networks/resnet.cnn
    else
        skip "cnnc summary in narrow terminals" "python3 is not there"
    fi
    test_it "a network as a page, in a browser" tests/inspect/page.sh "$cnnc" "$out/inspect" "$(find_browser)"
}

stage_session() {
    if ! have python3; then
        skip "what a run of training leaves behind" "no python3"
        return
    fi
    test_it "what a run of training leaves behind" python3 tests/runtime/session.py "$cnnc" "$out/main/runtime/libcnn.a" "$gcc -O1"
}

stage_torch() {
    if [ -z "$torch" ]; then
        skip "the same networks in PyTorch" "python3-torch is not installed"
        return
    fi
    test_it "$((4 * networks)) random networks are PyTorch's" "$torch" tests/torch/compare.py "$out/main/tests/netjson" --seed="$seed" --count=$((4 * networks))
    test_it "networks of whole numbers are PyTorch's" "$torch" tests/torch/compare.py "$out/main/tests/netjson" --whole --seed="$seed" --count="$networks"
    test_it "networks of tests/layers are PyTorch's" "$torch" tests/torch/compare.py "$out/main/tests/netjson" tests/layers/*.cnn
    [ $quick = yes ] || test_it "losses of 100 steps follow PyTorch's" "$torch" tests/runtime/curve.py "$cnnc" "$out/main/runtime/libcnn.a"
}

stage_bench() {
    if ! have python3; then
        skip "the bench counts right" "no python3"
        return
    fi
    test_it "the bench counts right" python3 tests/bench/selftest.py "$out/main" "$out/bench"
}

stage_parallel() {
    test_it "programs on 1, 2, 3 and 8 threads, bit for bit" tests/runtime/threads.sh "$cnnc" "$out/main/runtime" "$out/threads"
    if ! have mpirun || ! have mpicc || [ ! -e "$out/main/runtime/libcnn_mpi.a" ]; then
        skip "training on several ranks" "mpirun is not there (openmpi-bin, libopenmpi-dev)"
        return
    fi
    CMAKE_SOURCE=$top test_it "training on 1, 2 and 4 ranks, bit for bit" tests/runtime/mpi.sh "$cnnc" "$out/main/runtime" "$out/mpi"
}

stage_examples() {
    if [ $quick = yes ]; then
        skip "the examples" "--quick"
        skip "examples/quickstart.sh" "--quick"
        return
    fi
    test_it "the examples" tests/examples.sh "$cnnc" "$out/main/runtime/libcnn.a" "$out/examples" "$gcc -O3 -march=native" \
        "${clang:-$gcc} -O0" "$torch"          # without optimising, gcc takes four times as long
    CNN_STEPS=${CNN_STEPS-20} test_it "examples/quickstart.sh" examples/quickstart.sh
}

# ---- all of them

begun=$(now)
install_missing
find_compilers
find_torch
wanted() { case " ${stages:-$1} build " in *" $1 "*) ;; *) return 1 ;; esac; }

# side_by_side STAGE...: as many at a time as there are jobs; most of what they run takes one core. Each says what it found when it has ended.
side_by_side() {
    local stage
    for stage in "$@"; do
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
        rm -f "$out/logs/stage-$stage.ended"
        ( "stage_$stage" > "$out/logs/stage-$stage" 2>&1; : > "$out/logs/stage-$stage.ended"; cat "$out/logs/stage-$stage" ) &
    done
    wait
    for stage in "$@"; do
        passed=$((passed + $(grep -c '^ok ' "$out/logs/stage-$stage")))
        failed=$((failed + $(grep -c '^FAIL ' "$out/logs/stage-$stage")))
        [ -e "$out/logs/stage-$stage.ended" ] || say FAIL "stage $stage" "" "it did not come to its end"
    done
}

for stage in arrows build random; do
    wanted $stage || continue
    "stage_$stage" || { [ $stage = build ] && break; }
done
rest=
if [ -x "${cnnc:-}" ]; then
    for stage in unit sanitized llvm parallel integrate examples docs session torch strict variants emulated inspect bench golden messages layers; do wanted $stage && rest="$rest $stage"; done
fi
# shellcheck disable=SC2086  # stages are words
side_by_side $rest
echo "all of it took $(since "$begun")"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
