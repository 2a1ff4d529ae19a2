#!/usr/bin/env bash
# arrows.sh [ROOT]: the include arrows between the rooms, read from the #include lines.
#
#     base <- front <- net <- loops <- layers
#                        ^      ^         ^
#                        +------+---- emit <- inspect <- integrate    main and pipeline on top; the runtime knows none of it
#
# A room includes headers of its own and of the rooms that its row in the table below lists. Prints every arrow that points the
# wrong way and ends with status 1 if there is one. `--self-test` proves that it can fail: it plants wrong arrows into a copy.
set -u

# The headers that each room may include besides the system's: rooms, and `unit.h`, which is open to all of the compiler.
allowed() {
    case $1 in
        compiler/base)     echo "base unit.h" ;;
        compiler/front)    echo "base front unit.h" ;;
        grammar)           echo "base front unit.h" ;;
        compiler/net)      echo "base front net unit.h" ;;
        compiler/loops)    echo "base front net loops unit.h" ;;
        compiler/layers)   echo "base front net loops layers unit.h" ;;
        compiler/emit)     echo "base front net loops emit unit.h cnn" ;;
        compiler/inspect)  echo "base front net loops layers emit inspect unit.h cnn" ;;
        compiler/integrate) echo "base front net loops layers emit inspect integrate unit.h" ;;
        compiler/unit)     echo "base" ;;
        compiler)          echo "base front net loops layers emit inspect integrate unit.h cnn" ;;
        runtime/include)   echo "cnn" ;;
        runtime)           echo "cnn runtime" ;;
    esac
}

# The room of a file, as the table above names it.
room_of() {
    case $1 in
        compiler/unit.h)     echo compiler/unit ;;
        compiler/*/*)        local rest=${1#compiler/}; echo "compiler/${rest%%/*}" ;;
        compiler/*)          echo compiler ;;
        runtime/include/*)   echo runtime/include ;;
        runtime/*)           echo runtime ;;
        grammar/*)           echo grammar ;;
    esac
}

# What an include names, in $target: a room of the compiler, `cnn` (the runtime's public headers), `llvm`, `cjson`, `own` or `system`. There are
# thousands of them, and a process each would take seconds.
set_target() {
    case $1 in
        \<llvm-c/*|\"llvm-c/*)       target=llvm ;;
        \<cnn/*|\"cnn/*)             target=cnn ;;
        \<mpi.h\>|\"mpi.h\")        target=mpi ;;
        \<cjson/*|\"cjson/*)         target=cjson ;;
        \"unit.h\")                  target=unit.h ;;
        \"scanner.h\"|\"parser.h\")  target=front ;;
        \"*/*\")                     target=${1#\"}; target=${target%%/*} ;;
        \"*\")                       target=own ;;
        *)                           target=system ;;
    esac
}

check() {
    local root=$1 bad=0 files=0 file line text room want target
    cd "$root" || return 2
    while IFS= read -r file; do
        files=$((files + 1))
        room=$(room_of "$file")
        want=" $(allowed "$room") "
        while IFS=: read -r line text; do
            text=${text#*include}
            text=${text#"${text%%[![:space:]]*}"}
            text=${text%%[[:space:]]*}
            set_target "$text"
            case $target in
                system|own) continue ;;
                mpi)
                    case $file in runtime/mpi/*.c) continue ;; esac ;;
                cjson)
                    case $file in compiler/integrate/lsp*.[ch]) continue ;; esac ;;
                llvm)
                    case $file in compiler/emit/llvm*.c|compiler/emit/llvm*.h) continue ;; esac ;;
                *)
                    case $want in *" $target "*) continue ;; esac ;;
            esac
            printf '%s:%s: %s must not include %s\n' "$file" "$line" "$room" "$text"
            bad=$((bad + 1))
        done < <(grep -nE '^[[:space:]]*#[[:space:]]*include' "$file")
    done < <(find compiler runtime grammar -path compiler/integrate/project -prune -o -type f -name '*.[chly]' -print 2>/dev/null | LC_ALL=C sort)
    if [ "$files" -eq 0 ]; then
        echo "no sources under $root"
        return 1
    fi
    [ "$bad" -eq 0 ] && echo "$files files, every arrow points to the left"
    [ "$bad" -eq 0 ]
}

# Plants one wrong include at a time and expects to be told; and a right one, and expects silence.
self_test() {
    local failed=0 planted
    top=$(mktemp -d) || return 2      # not local: the trap runs after the function
    trap 'rm -rf "$top"' EXIT
    try() { # STATUS FILE INCLUDE
        rm -rf "${top:?}/compiler" "$top/runtime" "$top/grammar"
        mkdir -p "$top"/compiler/{base,front,net,loops,layers,emit,integrate} "$top/runtime/include/cnn" "$top/grammar"
        echo '#include "base/arena.h"' > "$top/compiler/base/arena.c"
        mkdir -p "$(dirname "$top/$2")"
        printf 'int x;\n#include %s // why\n' "$3" > "$top/$2"
        planted=0
        (check "$top") > "$top/out" || planted=1
        if [ "$planted" -ne "$1" ]; then
            echo "arrows: '#include $3' in $2 should $([ "$1" = 1 ] && echo fail || echo pass)"
            failed=1
        fi
    }
    try 1 runtime/batch.c         '<mpi.h>'
    try 0 runtime/mpi/mpi.c       '<mpi.h>'
    try 1 compiler/base/text.c    '"front/ast.h"'
    try 1 compiler/front/ast.c    '"net/net.h"'
    try 1 compiler/net/check.c    '"loops/loops.h"'
    try 1 compiler/loops/lower.c  '"layers/conv.h"'
    try 1 compiler/loops/print.c  '"emit/emit.h"'
    try 1 compiler/layers/conv.c  '"emit/emit.h"'
    try 1 compiler/emit/c.c       '"layers/conv.h"'
    try 1 compiler/emit/c.c       '"integrate/depfile.h"'
    try 1 compiler/inspect/facts.c '"integrate/depfile.h"'
    try 1 compiler/emit/c.c       '<llvm-c/Core.h>'
    try 1 compiler/emit/c.c       '"inspect/facts.h"'
    try 0 compiler/inspect/a.c    '"emit/c.h"'
    try 1 compiler/integrate/a.c  '<cjson/cJSON.h>'
    try 0 compiler/integrate/lsp_b.c '<cjson/cJSON.h>'
    try 1 compiler/pipeline.c     '<llvm-c/Core.h>'
    try 1 compiler/unit.h         '"net/net.h"'
    try 1 compiler/base/diag.c    '<cnn/model.h>'
    try 1 runtime/train.c         '"net/net.h"'
    try 1 runtime/train.c         '"unit.h"'
    try 1 grammar/cnnc.y          '"net/net.h"'
    try 0 compiler/emit/llvm_ir.c '<llvm-c/Core.h>'
    try 0 compiler/layers/conv.c  '"loops/build.h"'
    try 0 compiler/base/diag.c    '"unit.h"'
    try 0 compiler/base/diag.c    '<stdio.h>'
    try 0 runtime/train.c         '"cnn/model.h"'
    [ "$failed" -eq 0 ] && echo "wrong arrows are found, right ones pass"
    return "$failed"
}

case ${1-} in
    --self-test) self_test ;;
    *) check "${1:-$(dirname "$0")/..}" ;;
esac
