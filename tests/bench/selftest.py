#!/usr/bin/env python3
"""selftest.py BUILD DIR (a build of cnnc, a folder to work in): whether the arithmetic of the bench is right, and its programs build and take turns."""
import os
import re
import subprocess
import sys

import figures
import inner
import report
from build import HERE, TOP, Bench
from contest import Contestant, SideBySide, race

failed = []


def check(what, good, said=""):
    if not good:
        failed.append(what)
        print(f"FAIL {what} {said}")


def arithmetic():
    check("the median of an even number is between the two", figures.median([4, 1, 3, 2]) == 2.5)
    check("a ratio is taken round by round", figures.ratio([1, 2, 4], [3, 6, 12]) == 3 and figures.ratio([1, 10, 1], [2, 20, 9]) == 2)
    check("a share is taken round by round", abs(figures.share([1e-3, 2e-3], 50e6, [0.01, 0.02]) - 0.5) < 1e-12)
    # By hand: lenet is 2*(6*28*28*25 + 16*10*10*6*25 + 400*120 + 120*84 + 84*10), its step three times that without 2*6*28*28*25.
    check("flops of lenet", figures.flops("lenet") == (833040, 2263920), figures.flops("lenet"))
    check("flops of vgg16", figures.flops("vgg16")[0] == 30940528640, figures.flops("vgg16")[0])
    conv = figures.Conv("", 128, 56, 64, 3, 2)
    check("flops of a convolution", conv.out == 28 and conv.flops(2) == 2 * 2 * 64 * 28 * 28 * 128 * 9)
    check("flops of a depthwise one", figures.Conv("", 32, 112, 32, 3, 1, 32).flops(1) == 2 * 32 * 112 * 112 * 9)
    conv = figures.Conv("", 64, 30, 96, 3, groups=2, dilation=4)
    check("flops of one in groups, dilated", conv.out == 30 and conv.flops(1) == 2 * 96 * 30 * 30 * 32 * 9)
    resnet = {c.name: c for c in figures.LAYERS["resnet50"]}
    check("resnet50 goes down", [resnet[f"res{i} leave"].out for i in (2, 3, 4, 5)] == [56, 28, 14, 7] and resnet["resnet stem"].out == 112)
    pair = SideBySide("", "", [], 1, [0, 1])
    for (c, _), time in zip(pair.all, (3.0, 6.0)):
        c.order, c.answer = lambda seconds: None, lambda time=time: time
    check("who works side by side makes what both make", abs(pair.turn(1) - 2) < 1e-12)
    told = [report.number(v) for v in (0.01234, 1.234, 12.34, 999.6, 1234, 123456)]
    check("numbers have three digits", told == ["0.012", "1.23", "12.3", "1000", "1 230", "123 000"], told)
    check("durations have units", [report.duration(v) for v in (2, 1.5e-3, 1.5e-6)] == ["2.00 s", "1.50 ms", "1.50 µs"])


def loops():
    """Of two loops, one in the other, the inner one is found, with what it multiplies and adds in vectors of its width."""
    code = [(0, "xor %eax,%eax"), (2, "vmovups (%rcx),%zmm0"), (8, "vfmadd231ps (%rdx){1to16},%zmm0,%zmm1"), (14, "vfmadd231ps %ymm0,%ymm1,%ymm2"),
            (20, "add $0x40,%rcx"), (24, "jne 2"), (26, "inc %eax"), (28, "jne 0"), (30, "ret")]
    found = inner.innermost(code)
    check("the innermost loop is found", found == [[text for _, text in code[1:5]]], found)
    check("multiply-adds of a width are counted", [inner.multiply_adds(found[0], r) for r in ("zmm", "ymm")] == [1, 1])
    if mca := inner.tool("llvm-mca"):
        free = [f"vfmadd231ps %ymm15, %ymm14, %ymm{i}" for i in range(12)]
        check("a Zen 3 has two multiply-adds a cycle", 1.9 < 12 / inner.cycles(mca, "znver3", free) <= 2)


def networks(cnnc):
    """The networks of nets/ have the parameters and the work of figures.py."""
    for net in figures.NETWORKS:
        done = subprocess.run([cnnc, "--style=lesson", os.path.join(HERE, "nets", net + ".cnn"), "-o", "-"], capture_output=True, text=True)
        found = re.search(r"^ \*   all  +([0-9 ]+?)   +([0-9 ]+)$", done.stdout, re.M)
        numbers = tuple(int(n.replace(" ", "")) for n in found.groups()) if found else done.stderr
        check(f"{net}.cnn is {net} of figures.py", numbers == (figures.parameters(net), figures.flops(net)[0] // 2), numbers)


def programs(build, out):
    """Each contestant that can be made here takes two turns."""
    said = []
    bench = Bench(out, os.path.join(out, "cache"), build, said.append, rivals=False)
    machine = bench.machines[0] if bench.machines else None
    check("the processor is known", machine)
    if not machine:
        return
    options = ["--tile=1"]                # small: this is a test of the bench
    program = bench.program("fashion", options, "gcc", machine)
    layer = bench.layer(figures.Conv("test", 16, 8, 16, 3), 1, machine)
    check("the programs build", program and layer and bench.peak(machine), said)
    if failed:
        return
    image, weights = bench.image("fashion"), bench.weights("fashion", program)
    contestants = [Contestant("peak", machine.name, [bench.peak(machine)]), Contestant("cnnc", "train", [program, "train", "2"], 2),
                   Contestant("cnnc", "infer", [program, "infer", "2", image, weights], 2), Contestant("cnnc", "run", [program, "run", "3", image, weights], 3),
                   Contestant("cnnc", "layer", [layer])]
    both = SideBySide("cnnc", "side by side", [program, "train", "2"], 2, [min(os.sched_getaffinity(0))] * 2)         # of one core, half each
    contestants.append(both)
    if bench.onednn:
        contestants.append(Contestant("oneDNN", "dw", [bench.onednn, "dw", "1", "16", "8", "16", "3", "1", "1", "1", "1"]))
    alive = race(contestants, 2, 0.01, None, True, said.append)
    check("all of them take their turns", len(alive) == len(contestants), said)
    for c in alive:
        check(f"{c.who} {c.how} tells times", len(c.times) == 2 and all(0 < t < 10 for t in c.times), c.times)
        if c.how == "layer":
            check("a layer has three times", all(len(p) == 3 and all(0 < t < 1 for t in p) for p in c.parts), c.parts)
    infer, run = alive[2], alive[3]
    check("infer and run give the same", infer.said == run.said and len(run.said) == 10 and abs(sum(map(float, run.said)) - 1) < 1e-5, run.said)
    broken = Contestant("cnnc", "nothing", [program, "infer", "2", "nowhere"])
    check("one that fails is left out, with its reason", race([broken], 2, 0.01, None, True, said.append) == [] and "nowhere" in broken.lost, broken.lost)


def pages():
    wrong = report.pages(TOP, report.read(os.path.join(HERE, "last.json")), True)
    check("the page and the picture are what last.json says (tests/bench/run.sh --page)", not wrong, wrong)


if __name__ == "__main__":
    build, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    arithmetic()
    loops()
    networks(os.path.join(build, "compiler", "cnnc"))
    programs(build, out)
    pages()
    print(f"bench: {'failed: ' + '; '.join(failed) if failed else 'the arithmetic is right, and everybody takes turns'}")
    sys.exit(1 if failed else 0)
