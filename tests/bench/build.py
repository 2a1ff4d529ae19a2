"""build.py: what is there to measure with, and the programs that are measured."""
import concurrent.futures
import glob
import hashlib
import os
import platform
import re
import shutil
import subprocess
import time

import figures

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


LEVEL = "-O3"                   # README.md: cc -O3 -march=native


class Machine:
    """An instruction set: what the processor must have, and how cnnc, C compilers, LLVM and peak.c are told."""

    def __init__(self, name, flags, cnnc, cc, llvm, lanes, level=LEVEL):
        self.name, self.flags, self.cnnc, self.cc, self.llvm, self.lanes, self.level = name, flags, cnnc, cc, llvm, lanes, level


MACHINES = [
    Machine("AVX-512", {"avx512f", "avx512vl", "avx512dq", "avx512bw"}, ["--target=avx512"], ["-march=x86-64-v4", "-mprefer-vector-width=512"],
            ["--cpu=x86-64-v4"], 64),
    Machine("AVX2", {"avx2", "fma"}, ["--target=avx2"], ["-march=x86-64-v3"], ["--cpu=x86-64-v3"], 32),
    Machine("NEON", {"asimd"}, ["--target=neon"], [], [], 16),
]
SHIPPED = Machine("-O2, any x86-64", set(), [], [], [], 0, "-O2")       # README.md: cc -O2 net.c, which asks the processor what it has
COMPILERS = ["gcc", "clang", "LLVM"]
EMBEDDED = 5000000              # weights; more are not written into C


def machines():
    """Those that this processor has, best first."""
    with open("/proc/cpuinfo") as file:
        line = re.search(r"^(?:flags|Features)\s*:(.*)$", file.read(), re.M)
    have = set(line.group(1).split()) if line else set()
    return [m for m in MACHINES if m.flags <= have]


def processor():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    found = dict(re.findall(r"^(model name|cpu family|model|stepping)\s*:\s*(.*)$", text, re.M))
    name = found.get("model name", platform.machine())
    return name + (f" (family {found['cpu family']}, model {found['model']})" if "model" in found else "")


def said(argv, environment=None):
    """The first line that a command says, or nothing."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment)
        return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout else ""
    except (OSError, subprocess.TimeoutExpired):
        return ""


class Bench:
    """The tools of this machine. `out` is where programs are built, `cache` where onnxruntime is installed, `build` a build of cnnc. Without
    `rivals` those that need an interpreter are not looked for."""

    def __init__(self, out, cache, build, tell, rivals=True):
        self.out, self.cache, self.tell = out, cache, tell
        self.cnnc = os.path.join(build, "compiler", "cnnc")
        self.library = os.path.join(build, "runtime")
        self.machines = machines()
        self.versions, self.missing = {}, []
        self.gcc = shutil.which("gcc") or shutil.which("cc")
        self.clang = next((p for p in map(shutil.which, ["clang-19", "clang-18", "clang-17", "clang-16", "clang", "clang-15", "clang-14"]) if p), None)
        self.find("cnnc", [self.cnnc, "--version"], "it is not built")
        self.llvm = "LLVM" in self.versions.get("cnnc", "")
        self.find("gcc", [self.gcc or "gcc", "--version"], "gcc is not installed")
        self.find("clang", [self.clang or "clang", "--version"], "clang is not installed")
        if not self.llvm:
            self.missing.append("cnnc's own LLVM: this build of cnnc has none")
        self.torch = None
        if rivals:
            self.find_rivals(cache)
        self.onednn = None
        if os.path.exists("/usr/include/dnnl.hpp") and shutil.which("g++"):
            argv = ["g++", "-O2", "-std=c++17", os.path.join(HERE, "onednn.cpp"), "-o", "OUT", "-ldnnl"]
            self.onednn = self.made("onednn", argv, [os.path.join(HERE, "worker.h")])
        self.find("oneDNN", [self.onednn or "false", "version"], "libdnnl-dev is not installed")

    def find_rivals(self, cache):
        worker = os.path.join(HERE, "torch_worker.py")
        python = next((p for p in ("/usr/bin/python3", "python3") if said([p, worker, "version"])), None)
        self.torch = python and [python, worker]
        self.find("PyTorch", self.torch + ["version"] if self.torch else ["false"], "python3-torch is not installed")
        self.node_environment = dict(os.environ, NODE_PATH=os.path.join(cache, "node_modules"))
        self.ort = ["node", os.path.join(HERE, "ort.js")]
        self.find("onnxruntime", self.ort + ["version"], "npm install onnxruntime-node failed, or node is not installed", self.node_environment)

    def find(self, name, argv, why, environment=None):
        version = said(argv, environment)
        if version:
            self.versions[name] = version
        else:
            self.missing.append(f"{name}: {why}")

    # ---- programs

    def made(self, name, argv, inputs=()):
        """The file that a command makes for OUT, made anew if the command or an input is another. None, with a line, if it fails."""
        inputs = list(inputs) + [word for word in argv if os.path.isfile(word)]
        text = "\0".join(argv)
        for path in inputs:
            state = os.stat(path)
            text += f"\0{path} {state.st_size} {state.st_mtime_ns}"
        suffix = os.path.splitext(name)[1]
        path = os.path.join(self.out, os.path.splitext(name)[0] + "-" + hashlib.sha256(text.encode()).hexdigest()[:12] + suffix)
        if not os.path.exists(path):
            unfinished = os.path.splitext(path)[0] + ".new" + suffix
            done = subprocess.run([unfinished if word == "OUT" else word for word in argv], capture_output=True, text=True)
            if done.returncode:
                lines = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line] or ["it failed"]
                self.tell(f"skip  {name}: {lines[0]}")
                return None
            os.rename(unfinished, path)
        return path

    def model(self, net):
        """The name of the network of nets/NET.cnn, as in the C."""
        with open(self.source(net)) as file:
            return re.search(r"^network (\w+)", file.read(), re.M).group(1)

    def source(self, net):
        return os.path.join(HERE, "nets", net + ".cnn")

    def compilers(self):
        there = {"gcc": self.gcc, "clang": self.clang, "LLVM": self.llvm}
        return [name for name in COMPILERS if there[name]]

    def generated(self, net, options, compiler, machine):
        """The C or the object of a network."""
        argv = [self.cnnc, "--style=fast", *machine.cnnc, *options]
        if compiler == "LLVM":
            argv += machine.llvm + ["-O3"]
        name = f"{net}-{compiler}" if compiler == "LLVM" else net
        return self.made(name + (".o" if compiler == "LLVM" else ".c"), argv + [self.source(net), "-o", "OUT"], [self.cnnc])

    def command(self, compiler, machine):
        return [self.clang if compiler == "clang" else self.gcc, machine.level, *machine.cc]

    def program(self, net, options, compiler, machine):
        """cnnc.c with the network, or None."""
        code = self.generated(net, options, compiler, machine)
        if not code:
            return None
        argv = self.command(compiler, machine) + ["-w", "-I", os.path.join(TOP, "runtime/include"), f"-DMODEL={self.model(net)}_model", code,
                                                  os.path.join(HERE, "cnnc.c"), "-o", "OUT", "-L", self.library, "-lcnn", "-lm",
                                                  "-Wl,-rpath," + self.library]
        return self.made(f"{net}-{compiler}-{machine.name}", argv, [os.path.join(HERE, "worker.h"), os.path.join(self.library, "libcnn.so")])

    def programs(self, wanted):
        """program() of each, as many at a time as there are cores; two of them may share their C."""
        for w in wanted:
            self.generated(*w)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return list(pool.map(lambda w: self.program(*w), wanted))

    def layer(self, conv, images, machine):
        """layer.c with a network around a convolution, or None. In front and behind stand layers without work, of its own shapes, and before and
        after them such that come from one channel and go to one, so that nothing brings many channels from the order of the outside world into
        the inner one: that takes so long that on a busy machine what the layer reads is in no cache any more. Channels lie innermost, as in the
        whole networks, whatever would be best for this layer alone."""
        name = re.sub(r"\W+", "-", conv.name)
        source = os.path.join(self.out, f"{name}-{images}.cnn")
        groups = ", depthwise" if conv.groups == conv.channels else f", groups={conv.groups}" if conv.groups > 1 else ""
        how = groups + (f", dilation={conv.dilation}" if conv.dilation > 1 else "")
        text = f"""data pictures {{ source npy, "x.npy", "y.npy" }}
network Layer {{
  input {conv.side}x{conv.side}x1
  conv {conv.channels}, 1x1
  conv {conv.channels}, 1x1, depthwise
  probe = conv {conv.filters}, {conv.kernel}x{conv.kernel}, stride={conv.stride}, pad={conv.pad}{how}
  conv {conv.filters}, 1x1, depthwise
  conv 1, 1x1
}}
train Layer on pictures {{ loss quadratic; batch {images}; epochs 1 }}
"""
        if not os.path.exists(source) or open(source).read() != text:
            with open(source, "w") as file:
                file.write(text)
        code = self.made(f"{name}-{images}.c", [self.cnnc, "--style=fast", "--layout=channels", *machine.cnnc, f"--tile={images}", source, "-o", "OUT"], [self.cnnc])
        if not code:
            return None
        plain = "-Dinline=__inline__ __attribute__((no_instrument_function, gnu_inline))"
        part = self.made(f"{name}-{images}.o", self.command("gcc", machine) + ["-w", "-c", "-finstrument-functions", "-Dstatic=", plain, code, "-o", "OUT"])
        return part and self.made(f"{name}-{images}", [self.gcc, "-O2", "-rdynamic", "-I", os.path.join(TOP, "runtime/include"), "-DMODEL=Layer_model",
                                                       '-DLAYER="probe"', os.path.join(HERE, "layer.c"), part, "-o", "OUT", "-lm", "-ldl"],
                                  [os.path.join(HERE, "worker.h")])

    def peak(self, machine):
        return self.made(f"peak-{machine.name}", [self.gcc, "-O2", "-ffp-contract=fast", *machine.cc, f"-DBYTES={machine.lanes}",
                                                  os.path.join(HERE, "peak.c"), "-o", "OUT"], [os.path.join(HERE, "worker.h")])

    # ---- what the contestants share

    def image(self, net):
        """A file with one image, float after float, from 0 to 1."""
        path = os.path.join(self.out, net + ".image")
        if not os.path.exists(path):
            import array
            import random
            draw = random.Random(1)
            with open(path, "wb") as file:
                array.array("f", (draw.random() for _ in range(figures.elements(figures.NETWORKS[net][0])))).tofile(file)
        return path

    def weights(self, net, program):
        """A file with weights for everybody: the first ones of cnnc's."""
        path = os.path.join(self.out, net + ".safetensors")
        if not os.path.exists(path):
            subprocess.run([program, "save", path], check=True, capture_output=True)
        return path

    def onnx(self, net, images, weights):
        """The network as an ONNX file, or None."""
        path = os.path.join(self.out, f"{net}-{images}.onnx")
        if not os.path.exists(path):
            done = subprocess.run(self.torch + ["onnx", net, path, str(images), weights], capture_output=True, text=True)
            if done.returncode:
                self.tell(f"skip  {net} for onnxruntime: {(done.stderr.splitlines() or ['it failed'])[-1]}")
                return None
        return path
