#!/usr/bin/env python3
"""profile.py [options] FILE.cnn: where the time of a compiled network goes, nest by nest, with the share of peak that each weighted sum reaches.

    --task=train|infer   what runs (train); --batch=N images at a time (128), which a recipe with `batch images` is given
    --compiler=gcc|clang|LLVM (gcc), --machine=AVX2|AVX-512|NEON (the best one of this processor)
    --seconds=S          how long (2), --core=N pinned to that core
    --cnnc=FILE          a compiler to ask (that of CNNC_BUILD or of build/)
    OPTION...            others go to cnnc: --layout=images, --tile=16

perf samples the clock while the network works; the nests are functions that are not inlined, so every sample lies in one of them or in the
runtime. The samples say the shares alone: they take time themselves (a twentieth and more on a virtual machine), so the time of an image is that of the same
program in turns between, without them. Peak is what peak.c does, in turns as well. Useful work is that of the sum as the layer states it (--dump=tidy): what a schedule
multiplies beyond that, with the zeros of a border, counts as nothing. That of a convolution by tiles stands beside its products, which take fewer
multiplications (more than 100 %). Gradients of an input that nobody asks for do not run and do not show."""
import os
import re
import signal
import subprocess
import sys

from build import HERE, TOP, Bench
from contest import Contestant
from figures import median

PERIOD = 500                     # microseconds between two samples


def multiply_adds(cnnc, options, source, program):
    """Those of a product that is summed, by the name of its nest, for one image."""
    text = subprocess.run([cnnc, "--style=fast", *options, "--dump=tidy", source], capture_output=True, text=True, check=True).stdout
    part = re.search(rf"^program {program}, (\d+) images? a tile\n(.*?)(?=^program |\Z)", text, re.M | re.S)
    work = {}
    for name, loops, statement in re.findall(r"^ +(\w+): for (.*)\n(?: +fill .*\n)? +(.*)$", part.group(2), re.M):
        if re.search(r" \+= \w+\[.*\] \* \w+\[", statement):
            work[name] = 1
            for extent in re.findall(r"\w+ (\d+)(?:,|$)", loops):
                work[name] *= int(extent)
            work[name] /= int(part.group(1))
    return work


def joined(found):
    """Samples of what one sum is cut into (parts.c, cut.c) together, under the name that it has in its program."""
    whole = {}
    for name, number in found.items():
        name = re.sub(r"_rest\d*$", "", re.sub(r"_infer$", "", name))
        whole[name] = whole.get(name, 0) + number
    return whole


def samples(data):
    """How many of each function."""
    text = subprocess.run(["perf", "report", "-i", data, "--stdio", "-n", "-F", "sample,sym", "-g", "none"], capture_output=True, text=True, check=True).stdout
    return {name: int(count) for count, name in re.findall(r"^ +(\d+) +\[[.k]\] (\S+)", text, re.M)}


def main():
    wish = {"task": "train", "batch": "128", "compiler": "gcc", "machine": "", "seconds": "2", "core": "", "cnnc": ""}
    options, source = [], None
    for word in sys.argv[1:]:
        found = re.match(r"--(\w+)=(.*)$", word)
        if found and found.group(1) in wish:
            wish[found.group(1)] = found.group(2)
        elif word.startswith("-"):
            options.append(word)
        else:
            source = word
    if not source:
        sys.exit(__doc__)
    build = os.environ.get("CNNC_BUILD", os.path.join(TOP, "build"))
    out = os.environ.get("CNNC_BENCH", os.path.join(TOP, "build-bench"))
    os.makedirs(out, exist_ok=True)
    b = Bench(out, "", build, print, rivals=False)
    b.cnnc = os.path.abspath(wish["cnnc"]) if wish["cnnc"] else b.cnnc
    machine = next(m for m in b.machines if m.name == wish["machine"] or not wish["machine"])
    net, text = os.path.splitext(os.path.basename(source))[0], open(source).read()
    if re.search(r"\bbatch images\b", text):
        options += ["-Dimages=" + wish["batch"]]
    b.source = lambda _: os.path.abspath(source)
    b.model = lambda _: re.search(r"^network (\w+)", text, re.M).group(1)
    program = b.program(net, options, wish["compiler"], machine)
    if not program:
        sys.exit(1)
    shape = re.search(r"^ *input (\d+)x(\d+)x(\d+)|^ *input (\d+)", text, re.M)
    image = os.path.join(out, net + ".noise")
    count = 1
    for number in filter(None, shape.groups()):
        count *= int(number)
    with open(image, "wb") as file:
        file.write(b"\x00\x00\x00\x3f" * count)

    data = os.path.join(out, f"{net}.perf")
    task = [program, wish["task"], wish["batch"]] + ([image] if wish["task"] == "infer" else [])
    core = int(wish["core"]) if wish["core"] else None
    peak = Contestant("peak", "", [b.peak(machine)])
    one = Contestant("cnnc", "", task)
    sampled = Contestant("cnnc", "", ["perf", "record", "-q", "-e", "cpu-clock", "-c", str(PERIOD * 1000), "-o", data] + task)
    for c in (peak, one, sampled):
        c.start(core)
    for _ in range(10):
        for c in (peak, one, sampled):
            c.times.append(c.turn(float(wish["seconds"]) / 10))
    for c in (peak, one, sampled):
        c.end()
    best = 1 / median(peak.times)                       # giga operations a second
    image_time = median(one.times) / int(wish["batch"])
    found = joined(samples(data))
    all_samples = sum(found.values())
    work = multiply_adds(b.cnnc, options + machine.cnnc, source, wish["task"])
    work = {name + "_products" if name + "_products" in found else name: of for name, of in work.items()}
    useful = sum(w for name, w in work.items() if name in found)
    print(f"{net}, {wish['task']} {wish['batch']}, {wish['compiler']} {machine.name}: {image_time * 1e6:.2f} us an image, "
          f"{200 * useful / image_time / 1e9 / best:.1f} % of {best:.1f} GFLOP/s")
    print(f"{'nest':28} {'us an image':>11} {'of time':>8} {'useful':>9} {'of peak':>8} {'lost':>8}")
    for name, number in sorted(found.items(), key=lambda item: -item[1]):
        share = number / all_samples
        if share < 0.002:
            break
        took = share * image_time
        least = 2 * work.get(name, 0) / best / 1e9      # seconds
        shown = f"{work[name]:9.0f} {100 * least / took:6.1f} %" if name in work else " " * 18
        print(f"{name:28} {took * 1e6:11.3f} {100 * share:6.1f} % {shown} {100 * (took - least) / image_time:6.1f} %")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
