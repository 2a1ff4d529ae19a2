#!/bin/sh
# machine.sh: what this machine is called in `cnnc --target=`: avx512, avx2, sse2 or neon.
flags=$(grep -m 1 -E '^(flags|Features)[[:space:]]*:' /proc/cpuinfo 2>/dev/null)
case " $flags " in
*" avx512f "*) echo avx512 ;;
*" avx2 "*) echo avx2 ;;
*" asimd "*) echo neon ;;
*) case $(uname -m) in aarch64 | arm64) echo neon ;; *) echo sse2 ;; esac ;;
esac
