#!/usr/bin/env python3
"""bench.py OUT CACHE BUILD [--quick] [--prepare] [--rounds=N] [--seconds=S] [PIECE...]: measures, and keeps what it measured in last.json.

Called by run.sh, which says what the words mean. All that is printed here is a table or a line `skip  WHAT: WHY`.
"""
import json
import os
import platform
import re
import subprocess
import sys
import time

import figures
import report
from build import EMBEDDED, HERE, SHIPPED, TOP, Bench, processor
from contest import Contestant, SideBySide, race

BATCHES = {"lenet": [1, 32, 128], "fashion": [1, 32, 128], "cifar": [1, 32, 128], "vgg16": [8], "mlp": [1, 32, 128]}
MANY = {"lenet": 64, "fashion": 64, "cifar": 64, "mlp": 64}
TRAINING = ["eager", "channels_last", "foreach", "jit"]
INFERENCE = ["eager", "channels_last", "frozen", "frozen_last", "optimized", "mkldnn"]
TILE = 32                       # images that one call handles, where it may be many
LARGE = 20000000                # weights: such networks start anew for each turn, one at a time in memory
LAST = os.path.join(HERE, "last.json")
TOLERANCE = 1e-4                # between the probabilities that two contestants give


class Run:
    def __init__(self, bench, rounds, seconds, quick, core):
        self.bench, self.rounds, self.seconds, self.quick, self.core = bench, rounds, seconds, quick, core
        self.machines = bench.machines[:1] if quick else bench.machines
        self.cells, self.began = {}, time.monotonic()
        self.load = os.getloadavg()[0]          # what else the machine does

    def save(self, key, cell):
        """Keeps a cell at once, so that what was measured stays if a run is cut short."""
        self.cells[key] = cell
        if self.quick:
            return
        kept = report.read(LAST)
        kept["cells"][key] = cell
        kept["conditions"][cell["piece"]] = conditions(self.bench, self, time.monotonic() - self.began)
        report.write(LAST, kept)

    def peaks(self):
        return [Contestant("peak", m.name, [p]) for m in self.machines for p in [self.bench.peak(m)] if p]

    def keep(self, key, work, contestants, piece):
        """Writes down the rounds of a cell: seconds of an image."""
        alive = [c for c in contestants if not c.lost]
        self.save(key, {
            "piece": piece, "work": work,
            "rows": [{"who": c.who, "how": c.how, "peak": c.peak, "memory": c.memory, "times": [float("%.5g" % (t / c.images)) for t in c.times]}
                     for c in alive],
        })

    def race(self, key, work, contestants, piece, large=False):
        if not any(c.who == "cnnc" for c in contestants):
            return
        seconds = self.seconds
        rounds = max(1, self.rounds // 3) if large else self.rounds
        alive = race(self.peaks() + contestants, rounds, seconds, self.core, not large, print)
        self.agree(key, alive)
        self.keep(key, work, alive, piece)
        print(report.terminal(key, self.cells[key]), flush=True)

    def agree(self, key, alive):
        """Whoever gives results must give those of the first."""
        told = [c for c in alive if c.who != "peak" and c.said]
        for c in told[1:]:
            apart = max(abs(float(a) - float(b)) for a, b in zip(c.said, told[0].said))
            if len(c.said) != len(told[0].said) or not apart < TOLERANCE:
                raise SystemExit(f"bench: {key}: {c.who} {c.how} computes something else than {told[0].who} {told[0].how} (apart by {apart:g})")

    # ---- the networks

    def cnnc(self, net, task, batch, variants):
        """Contestants of all compilers and machines; variants are [(words for the table, options)]."""
        b = self.bench
        large = figures.parameters(net) > LARGE
        machines = self.machines[:1] if large else self.machines
        compilers = [c for c in b.compilers() if not (large and c == "clang")]
        wanted = [(label, (net, options, compiler, machine)) for machine in machines for compiler in compilers for label, options in variants]
        if platform.machine() == "x86_64" and not large and not self.quick:
            wanted.append((variants[0][0], (net, variants[0][1], "gcc", SHIPPED)))
        found = []
        for (label, (_, _, compiler, machine)), program in zip(wanted, b.programs([w for _, w in wanted])):
            if program:
                how = f"{compiler} {machine.name}" + (f", {label}" if label else "")
                found.append(Contestant("cnnc", how, [program, task, str(batch)], batch, self.machines[0].name if machine is SHIPPED else machine.name))
        return found

    def variants(self, net, task, batch):
        infer = ["--infer"] if task == "infer" else []
        if task == "infer" and batch == 1:
            found = [("", infer + ["--tile=1"])]
            if figures.parameters(net) <= EMBEDDED:
                weights = self.weights(net)
                if weights:
                    found.append(("weights inside", infer + ["--tile=1", "--weights=" + weights]))
            return found
        options = infer if task == "infer" else ["-D", f"images={batch}"]
        if figures.parameters(net) > LARGE:
            return [("a tile of " + str(batch), options + [f"--tile={batch}"])]
        if task == "train":
            return [("", options)]
        return [(f"tiles of {TILE}", options + [f"--tile={TILE}"]), ("", options)]      # what --infer makes takes one image a call, if nothing else is said

    def weights(self, net):
        b = self.bench
        program = next((p for p in (b.program(net, ["--tile=1", "--infer"], c, self.machines[-1]) for c in b.compilers()) if p), None)
        return program and b.weights(net, program)

    def train(self, net, batch):
        contestants = self.cnnc(net, "train", batch, self.variants(net, "train", batch))
        if self.bench.torch:
            for mode in TRAINING[:2] if figures.parameters(net) > LARGE or self.quick else TRAINING:
                contestants.append(Contestant("PyTorch", mode, self.bench.torch + ["train", net, str(batch), mode], batch, self.machines[0].name))
        return contestants

    def infer(self, net, batch):
        b = self.bench
        weights, image = self.weights(net), b.image(net)
        if not weights:
            return []
        contestants = self.cnnc(net, "infer", batch, self.variants(net, "infer", batch))
        if batch > 1:
            contestants += [Contestant("cnnc", c.how + ", cnn_run", [c.argv[0], "run", *c.argv[2:]], batch, c.peak) for c in contestants[:1]]
        for c in contestants:
            c.argv += [image, weights]
        best = self.machines[0].name
        if b.torch:
            for mode in INFERENCE[1:5:3] if self.quick else INFERENCE:
                contestants.append(Contestant("PyTorch", mode, b.torch + ["infer", net, str(batch), mode, weights, image], batch, best))
            onnx = b.onnx(net, batch, weights) if "onnxruntime" in b.versions else None
            if onnx:
                shape = ",".join(map(str, figures.NETWORKS[net][0]))
                for mode in ("run", "direct"):
                    contestants.append(Contestant("onnxruntime", mode, b.ort + ["infer", onnx, str(batch), shape, image, mode], batch, best,
                                                  {"NODE_PATH": b.node_environment["NODE_PATH"]}))
        return contestants

    def training(self, net, prepare):
        for batch in BATCHES[net][::2] if self.quick else BATCHES[net]:
            contestants = self.train(net, batch)
            if not prepare:
                self.race(f"{net} train {batch}", figures.flops(net)[1], contestants, net + ".train", figures.parameters(net) > LARGE)

    def inference(self, net, prepare):
        for batch in [1] + ([MANY[net]] if net in MANY else []):
            contestants = self.infer(net, batch)
            if not prepare:
                self.race(f"{net} infer {batch}", figures.flops(net)[0], contestants, net + ".infer", figures.parameters(net) > LARGE)

    def threads(self, prepare):
        """A step by one thread and by two, on whatever cores they get, and by two programs side by side, which share nothing but the machine."""
        b = self.bench
        for net, batches in BATCHES.items():
            if figures.parameters(net) > LARGE:
                continue
            program = b.program(net, ["-D", f"images={batches[-1]}"], "gcc", self.machines[0])
            if not program or prepare:
                continue
            contestants = [Contestant("cnnc", str(n), [program, "train", str(batches[-1]), str(n)], batches[-1]) for n in (1, 2)]
            cores = sorted(os.sched_getaffinity(0))[:2]
            if len(cores) == 2:
                contestants.append(SideBySide("cnnc", "side by side", contestants[0].argv, batches[-1], cores))
            self.keep(f"threads {net} {batches[-1]}", 0, race(contestants, 3 * self.rounds, self.seconds), "threads")
        if not prepare:
            print(report.terminal_threads(self.cells), flush=True)

    # ---- convolutions, one by one

    def layers(self, table, prepare):
        """Each task of each convolution: cnnc's by gcc, oneDNN's."""
        b, machine = self.bench, self.machines[0]
        for conv in figures.LAYERS[table]:
            for images in LAYER_IMAGES[table]:
                program = b.layer(conv, images, machine)
                if not program or prepare:
                    continue
                mine = Contestant("cnnc", f"gcc {machine.name}", [program], images, machine.name)
                numbers = [images, conv.channels, conv.side, conv.filters, conv.kernel, conv.stride, conv.pad, conv.groups, conv.dilation]
                theirs = [Contestant("oneDNN", task, [b.onednn, task, *map(str, numbers)], images, machine.name) for task in TASKS] if b.onednn else []
                alive = race(self.peaks()[:1] + [mine] + theirs, max(3, self.rounds // 2), self.seconds / 4, self.core)
                self.save(f"{table}/{conv.name}/{images}", self.layer_cell(table, conv.flops(images), alive))
        if not prepare:
            print(report.terminal_layers(table, self.cells), flush=True)

    @staticmethod
    def layer_cell(table, work, alive):
        def rounded(values):
            return [float("%.4g" % v) for v in values]
        cell = {"piece": table, "work": work, "rows": []}
        for c in alive:
            if c.who == "cnnc":
                cell["rows"] += [{"who": "cnnc", "how": task, "peak": c.peak, "times": rounded(p[i] for p in c.parts)} for i, task in enumerate(TASKS)]
            else:
                cell["rows"].append({"who": c.who, "how": c.how, "peak": c.peak, "times": rounded(c.times)})
        return cell

    # ---- what compiling takes

    def compiling(self, prepare):
        if prepare:
            return
        for net in BATCHES:
            row = self.compiled(net)
            self.save(f"compile {net}", {"piece": "compile", "work": 0, "rows": [], "facts": row})
        print(report.terminal_compiling(self.cells), flush=True)

    def timed(self, argv):
        """(seconds, what it said), the best of three; None if it fails."""
        best = None
        for _ in range(3):
            began = time.perf_counter()
            done = subprocess.run(argv, capture_output=True, text=True)
            took = time.perf_counter() - began
            if done.returncode:
                return None, done.stderr
            best = took if best is None else min(best, took)
            if took > 3:
                break
        return best, done.stdout + done.stderr

    def compiled(self, net):
        b, machine = self.bench, self.machines[0]
        fast = [b.cnnc, "--style=fast", *machine.cnnc]
        code, thing = os.path.join(b.out, net + ".timed.c"), os.path.join(b.out, net + ".timed.o")
        facts = {"to C": self.timed(fast + [b.source(net), "-o", code])[0], "C bytes": os.path.getsize(code)}
        for compiler in [c for c in b.compilers() if c != "LLVM"]:
            facts[compiler + " -O2"] = self.timed([b.command(compiler, machine)[0], "-O2", *machine.cc, "-w", "-c", code, "-o", thing])[0]
            facts[compiler + " bytes"] = code_bytes(thing)
        if b.llvm:
            facts["to object"] = self.timed(fast + machine.llvm + [b.source(net), "-o", thing])[0]
            facts["object bytes"] = code_bytes(thing)
            said = self.timed([b.cnnc, "grad", "--style=fast", b.source(net), "--help"])[1]
            found = re.search(r"compiled in ([0-9.]+) s", said)
            facts["JIT"] = float(found.group(1)) if found else None
        said = self.timed(fast + ["--dump=memory", b.source(net)])[1]
        for program, scratch, bound, shared in re.findall(r"memory of (train|infer),.*?scratch (\d+), lower bound (\d+), shared (\d+)", said, re.S):
            facts[program + " plan"] = [4 * int(scratch), 4 * int(bound), 4 * int(shared)]
        return facts


def code_bytes(path):
    """Machine code and constants of an object."""
    done = subprocess.run(["size", path], capture_output=True, text=True)
    return int(done.stdout.splitlines()[1].split()[0]) if done.returncode == 0 else None


TASKS = ["forward", "dx", "dw"]
LAYER_IMAGES = {"resnet50": [1, 16], "vgg": [1, 4], "mobilenet": [1, 16], "others": [1, 16]}
PIECES = {}
for _net in BATCHES:
    PIECES[_net + ".train"] = lambda run, prepare, net=_net: run.training(net, prepare)
    PIECES[_net + ".infer"] = lambda run, prepare, net=_net: run.inference(net, prepare)
PIECES.update({table: (lambda run, prepare, table=table: run.layers(table, prepare)) for table in figures.LAYERS})
PIECES["threads"] = lambda run, prepare: run.threads(prepare)
PIECES["compile"] = lambda run, prepare: run.compiling(prepare)


def conditions(bench, run, took):
    parts = ["compiler/loops", "compiler/emit", "compiler/layers", "runtime"]       # what the figures depend on
    commit = subprocess.run(["git", "-C", TOP, "log", "-1", "--format=%h %cd", "--date=short", "--", *parts], capture_output=True, text=True).stdout.strip()
    return {"commit": commit, "date": time.strftime("%Y-%m-%d"), "processor": processor(), "core": run.core, "rounds": run.rounds,
            "load": round(run.load, 1),
            "seconds": run.seconds, "took": round(took), "quick": run.quick, "versions": bench.versions, "missing": bench.missing}


def main(argv):
    words = [w for w in argv if not w.startswith("--")]
    options = dict(w[2:].partition("=")[::2] for w in argv if w.startswith("--"))
    out, cache, build, *pieces = words
    quick, prepare = "quick" in options, "prepare" in options
    bench = Bench(out, cache, build, print)
    for why in bench.missing:
        print(f"skip  {why}")
    if "cnnc" not in bench.versions or not bench.machines:
        raise SystemExit("bench: there is nothing to measure")
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    run = Run(bench, int(options.get("rounds", 3 if quick else 5)), float(options.get("seconds", 0.05 if quick else 0.12)), quick, core)
    for piece in pieces or (["lenet", "fashion", "cifar"] if quick else list(PIECES)):
        found = [p for p in PIECES if piece in (p, p.partition(".")[0])]
        if not found:
            raise SystemExit(f"bench: there is no piece '{piece}'; there are {', '.join(PIECES)}")
        for part in found:
            run.began = time.monotonic()
            PIECES[part](run, prepare)
            if not prepare and not quick:
                report.pages(TOP, report.read(LAST))


if __name__ == "__main__":
    main(sys.argv[1:])
