#!/usr/bin/env python3
"""inner.py [--target=avx512] [--cpu=skylake-avx512] [--below=PERCENT] NET.cnn...: how near to a processor's peak the innermost loops are, by llvm-mca.

For processors that are not at hand: LLVM's model of the processor runs the innermost loop of every nest that multiplies and adds, with all that it
reads in the nearest cache. Peak is what the same model makes of multiply-adds in registers. Caches, the loops around and what begins and ends a total do
not count: a nest cannot be faster than that, and one that is far below it has a loop that the C compiler or the policy spoilt. For each nest: the
multiply-adds of a round, the instructions of a round, and the share of peak, of what gcc and clang make of the C with -O3."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# The instruction set: how its C compilers are told, and its widest register.
MACHINES = {"avx512": (["-march=x86-64-v4", "-mprefer-vector-width=512"], "zmm", "skylake-avx512"), "avx2": (["-march=x86-64-v3"], "ymm", "znver3")}
ROUNDS = 200
FEW = 4                         # multiply-adds of a round: below that it is no product


def tool(name):
    """NAME, or the newest of NAME-19 to NAME-14."""
    return next((p for p in map(shutil.which, [name + f"-{n}" for n in range(19, 13, -1)] + [name]) if p), None)


def instructions(binary):
    """For each function the (address, instruction) of it, in order."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", binary], capture_output=True, text=True, check=True).stdout
    functions, here = {}, None
    for line in text.splitlines():
        if name := re.match(r"[0-9a-f]+ <(.*)>:", line):
            here = functions.setdefault(name.group(1), [])
        elif code := re.match(r" *([0-9a-f]+):\t(.*)$", line):
            here.append((int(code.group(1), 16), re.sub(r"<.*>|#.*", "", code.group(2)).strip()))
    return functions


def innermost(code):
    """The loops of a function that have none inside, each as its instructions without the jump back."""
    place = {address: i for i, (address, _) in enumerate(code)}
    spans = []
    for i, (_, text) in enumerate(code):
        jump = re.match(r"j\w+ +([0-9a-f]+)", text)
        to = jump and place.get(int(jump.group(1), 16))
        if to is not None and to <= i:
            spans.append((to, i))
    return [[text for _, text in code[a:b]] for a, b in spans if not any((a, b) != other and a <= other[0] and other[1] <= b for other in spans)]


def multiply_adds(loop, register):
    return sum(bool(re.match(r"vfn?m(add|sub)\w+p[sd] .*%" + register, text)) for text in loop)


def cycles(mca, cpu, loop):
    """Of one round, in the model of `cpu`."""
    text = "\n".join(line for line in loop if not line.startswith("j"))
    done = subprocess.run([mca, "-mcpu=" + cpu, f"-iterations={ROUNDS}"], input=text, capture_output=True, text=True)
    total = re.search(r"Total Cycles: +(\d+)", done.stdout)
    if not total:
        sys.exit(f"inner.py: {mca} -mcpu={cpu}: {(done.stderr or 'said nothing').splitlines()[0]}")
    return int(total.group(1)) / ROUNDS


def shares(mca, cpu, binary, register, peak):
    """For each nest (multiply-adds, instructions, share of peak) of the innermost loop that has most of them."""
    found = {}
    for name, code in instructions(binary).items():
        loop = max(innermost(code), key=lambda loop: multiply_adds(loop, register), default=[])
        count = multiply_adds(loop, register)
        if count >= FEW:
            found[name] = (count, len(loop) + 1, count / cycles(mca, cpu, loop) / peak)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0], usage=__doc__.split(":")[0])
    parser.add_argument("--target", default="avx512", choices=sorted(MACHINES))
    parser.add_argument("--cpu")
    parser.add_argument("--below", type=float, default=1000.0)
    parser.add_argument("--cnnc", default=os.path.join(TOP, "build", "compiler", "cnnc"))
    parser.add_argument("nets", nargs="+")
    o = parser.parse_args()
    flags, register, usual = MACHINES[o.target]
    cpu, mca = o.cpu or usual, tool("llvm-mca")
    compilers = [(name, path) for name, path in (("gcc", shutil.which("gcc")), ("clang", tool("clang"))) if path]
    if not mca or not compilers or not shutil.which("objdump"):
        sys.exit("inner.py: llvm-mca (llvm-19), objdump (binutils) or a C compiler is not there")
    free = [f"vfmadd231ps %{register}{30 if register == 'zmm' else 14}, %{register}{15}, %{register}{i}" for i in range(14)]
    peak = len(free) / cycles(mca, cpu, free)
    with tempfile.TemporaryDirectory() as work:
        for net in o.nets:
            code, found = os.path.join(work, "net.c"), {}
            subprocess.run([o.cnnc, "--style=fast", "--target=" + o.target, net, "-o", code], check=True)
            for name, path in compilers:
                binary = os.path.join(work, "net.so")
                subprocess.run([path, "-O3", "-w", *flags, "-shared", "-fPIC", code, "-o", binary], check=True)
                found[name] = shares(mca, cpu, binary, register, peak)
            nests = sorted({nest for each in found.values() for nest in each})
            print(f"{net}: {o.target} as {cpu}, {peak:.2f} multiply-adds of a vector in a cycle at most")
            for nest in nests:
                row = [found[name].get(nest) for name, _ in compilers]
                if min(cell[2] for cell in row if cell) * 100 < o.below:
                    cells = [f"{name} {cell[0]:4} of {cell[1]:4} {cell[2]:6.0%}" if cell else f"{name} {'-':>19}" for (name, _), cell in zip(compilers, row)]
                    print(f"  {nest:28}  " + "   ".join(cells))


if __name__ == "__main__":
    main()
