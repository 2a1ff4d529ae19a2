#!/usr/bin/env python3
"""styles.py OUT BUILD [--count=N] [--seed=N] [--work=N] [--batch=N] [--rounds=N]: is style fast ever slower than style lesson?

N random networks (50), as the random tests make them, are compiled in both styles by gcc for this machine and take turns at training (a
batch of 32) and inference (64 images, one after the other). One line a network, the slowest first: the time of lesson by that of fast, the
median over the rounds. Where that is near 1, or below, it is measured again, with programs that are started anew each time, for where their
memory lies is worth a tenth to the smallest ones; the median of all counts. The images are noise around 0: of zeros, functions of libm take a
shortcut, and of a single image a processor learns by heart which way each branch goes. The last line counts those in which fast is slower.
OUT is where programs are built, BUILD a build of cnnc with its tests.
A program and no test: its figures depend on the machine.
"""
import array
import os
import random
import re
import subprocess
import sys

import figures
from build import HERE, TOP, Bench
from contest import Contestant, race

OPTIONS = {"count": 50, "seed": 1, "work": 20000, "batch": 32, "rounds": 5}
SECONDS = 0.02                  # of a turn
NEAR, AGAIN = 1.2, 10           # what is measured again, so many times
IMAGES = 64                     # of inference
CORE = max(os.sched_getaffinity(0))


def network(build, out, seed, work):
    """The random network of this seed as a file, and the name of its model."""
    text = subprocess.run([os.path.join(build, "tests", "bench_random"), str(seed), str(work)], check=True, capture_output=True, text=True).stdout
    path = os.path.join(out, f"random{seed}-{work}.cnn")
    with open(path, "w") as file:
        file.write(text)
    return path


def program(bench, path, style, options):
    """The network in this style with the worker of the bench, or None."""
    machine = bench.machines[0]
    target = machine.cnnc if style == "fast" else []
    code = bench.made(os.path.basename(path)[:-4] + f"-{style}.c", [bench.cnnc, f"--style={style}", *target, *options, path, "-o", "OUT"], [bench.cnnc])
    if not code:
        return None
    with open(code) as file:
        model = re.search(r"^const cnn_model (\w+) ", file.read(), re.M).group(1)
    argv = bench.command("gcc", machine) + ["-w", "-I", os.path.join(TOP, "runtime/include"), f"-DMODEL={model}", code,
                                            os.path.join(HERE, "cnnc.c"), "-o", "OUT", "-L", bench.library, "-lcnn", "-lm", "-Wl,-rpath," + bench.library]
    return bench.made(os.path.basename(path)[:-4] + f"-{style}", argv, [os.path.join(HERE, "worker.h")])


def ratio(bench, path, options, task, rounds):
    """Lesson's time by fast's, or None if one of them cannot be measured."""
    programs = [program(bench, path, style, options) for style in ("lesson", "fast")]
    if not all(programs):
        return None

    def once():
        pair = race([Contestant("cnnc", os.path.basename(p), [p, *task]) for p in programs], rounds, SECONDS, CORE)
        return figures.ratio(pair[1].times, pair[0].times) if len(pair) == 2 else None

    found = [once()]
    while found[0] is not None and found[0] < NEAR and len(found) <= AGAIN:
        found.append(once())
    return figures.median([r for r in found if r is not None]) if found[0] is not None else None


def main():
    words = [w for w in sys.argv[1:] if not w.startswith("--")]
    for word in sys.argv[1:]:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            if name not in OPTIONS or not value.isdigit():
                sys.exit(__doc__)
            OPTIONS[name] = int(value)
    if len(words) != 2:
        sys.exit(__doc__)
    out, build = map(os.path.abspath, words)
    os.makedirs(out, exist_ok=True)
    bench = Bench(out, out, build, print, rivals=False)
    image, dice = os.path.join(out, "image"), random.Random(1)
    with open(image, "wb") as file:
        array.array("f", (2 * dice.random() - 1 for _ in range(65536))).tofile(file)
    lines = []
    for seed in range(OPTIONS["seed"], OPTIONS["seed"] + OPTIONS["count"]):
        path = network(build, out, seed, OPTIONS["work"])
        lines.append((seed, ratio(bench, path, [], ["train", str(OPTIONS["batch"])], OPTIONS["rounds"]),
                      ratio(bench, path, ["--infer"], ["infer", str(IMAGES), image], OPTIONS["rounds"])))
    lines.sort(key=lambda line: min(v for v in line[1:] if v is not None) if any(line[1:]) else 0)
    print(f"{'seed':>6}  {'training':>9}  {'one image':>9}     lesson's time by fast's")
    for seed, *values in lines:
        print(f"{seed:6}  " + "  ".join("        -" if v is None else f"{v:9.2f}" for v in values))
    measured = [v for line in lines for v in line[1:] if v is not None]
    slower = sum(v < 1 for v in measured)
    print(f"fast is slower in {slower} of {len(measured)}; the median is {figures.median(measured):.2f} times as fast" if measured else "nothing was measured")


if __name__ == "__main__":
    main()
