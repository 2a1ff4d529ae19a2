#!/usr/bin/env python3
"""torch_worker.py: PyTorch as a contestant (see worker.h).

    torch_worker.py train NET N MODE                  steps of N images that are already there: forward, backward, SGD with momentum
    torch_worker.py infer NET N MODE WEIGHTS IMAGE    N images
    torch_worker.py onnx NET FILE N WEIGHTS           writes the network as an ONNX file for N images
    torch_worker.py version

One thread. Modes of training: eager, channels_last, foreach (the optimizer over all tensors at once), jit (torch.jit.script); of inference:
eager, channels_last, frozen (traced and frozen), frozen_last (and channels last), optimized (optimize_for_inference), mkldnn (blocked
layouts kept between layers).
"""
import array
import json
import os
import struct
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures

torch.set_num_threads(1)
WARM = 0.15                     # as WORKER_WARM of worker.h


def build(name, softmax=False):
    made, features = [], False
    for kind, numbers, before, after in figures.layers(name):
        if kind == "conv":
            made.append(nn.Conv2d(before[0], after[0], numbers[1], padding=numbers[2]))
        elif kind == "relu":
            made.append(nn.ReLU(inplace=True))
        elif kind == "pool":
            made.append(nn.MaxPool2d(2))
        elif kind == "drop":
            made.append(nn.Dropout(0.5))
        elif kind == "dense":
            if not features:
                made.append(nn.Flatten())
            features = True
            made.append(nn.Linear(figures.elements(before), after[0]))
    if softmax:
        made.append(nn.Softmax(1))
    return nn.Sequential(*made)


def load(model, path):
    """The tensors of a safetensors file, in the order of the layers: conv1, conv2, ..., dense1, ..."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        head = json.loads(file.read(size))
        begin = 8 + size
        count = {"conv": 0, "dense": 0}
        for module in model:
            kind = {nn.Conv2d: "conv", nn.Linear: "dense"}.get(type(module))
            if not kind:
                continue
            count[kind] += 1
            for part in ("weight", "bias"):
                where = head[f"{kind}{count[kind]}.{part}"]["data_offsets"]
                file.seek(begin + where[0])
                values = torch.frombuffer(bytearray(file.read(where[1] - where[0])), dtype=torch.float32)
                getattr(module, part).data.copy_(values.reshape(getattr(module, part).shape))


def image(name, path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return torch.tensor(values).reshape(1, *figures.NETWORKS[name][0])


def training(name, images, mode):
    model = build(name).train()
    x = torch.rand(images, *figures.NETWORKS[name][0])
    y = torch.arange(images) * 7 % figures.layers(name)[-1][3][0]
    if mode == "channels_last":
        model = model.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    elif mode == "jit":
        model = torch.jit.script(model)
    options = {"foreach": True} if mode == "foreach" else {}
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4 if name == "vgg16" else 1e-3, momentum=0.9, **options)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return step, []


def inference(name, images, mode, weights, path):
    x = image(name, path).repeat(images, 1, 1, 1)
    model = build(name, softmax=mode != "mkldnn").eval()
    load(model, weights)
    if mode in ("channels_last", "frozen_last"):
        model = model.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        if mode in ("frozen", "frozen_last", "optimized"):
            model = torch.jit.trace(model, x)
            model = torch.jit.optimize_for_inference(model) if mode == "optimized" else torch.jit.freeze(model)
        elif mode == "mkldnn":
            from torch.utils import mkldnn
            inner = mkldnn.to_mkldnn(model)
            model = lambda x: inner(x.to_mkldnn()).to_dense().softmax(1)

    def step():
        with torch.inference_mode():
            return model(x)
    for _ in range(3):          # traced programs are made ready in their first calls
        y = step()
    return step, y[0].tolist()


def memory():
    with open("/proc/self/status") as file:
        return next((line.split()[1] for line in file if line.startswith("VmHWM")), "0")


def turns(step):
    """As worker_turns of worker.h."""
    for order in sys.stdin:
        seconds = float(order)
        began = now = time.perf_counter()
        warm = 0
        while warm < 1 or now - began < WARM * seconds:
            step()
            warm += 1
            now = time.perf_counter()
        calls = max(1, int(seconds * warm / (now - began)))
        began = time.perf_counter()
        for _ in range(calls):
            step()
        print("%.9g %d %s" % ((time.perf_counter() - began) / calls, calls, memory()), flush=True)


def main(task, *words):
    if task == "version":
        blas = [line.strip(" -\n") for line in open("/proc/self/maps").read().split() if "openblas" in line.lower()]
        import platform
        print(f"PyTorch {torch.__version__} ({'with' if blas else 'without'} OpenBLAS, oneDNN {'on' if torch.backends.mkldnn.is_available() else 'off'}, "
              f"Python {platform.python_version()})")
    elif task == "onnx":
        name, file, images, weights = words
        model = build(name, softmax=True).eval()
        load(model, weights)
        torch.onnx.export(model, torch.zeros(int(images), *figures.NETWORKS[name][0]), file, input_names=["x"], output_names=["y"], opset_version=13)
    elif task in ("train", "infer"):
        try:
            step, y = (training if task == "train" else inference)(words[0], int(words[1]), *words[2:])
        except Exception as error:
            print("failed " + " ".join(str(error).split())[:200])
            return
        print("ready " + " ".join("%.7g" % value for value in y), flush=True)
        turns(step)


if __name__ == "__main__":
    main(*sys.argv[1:])
