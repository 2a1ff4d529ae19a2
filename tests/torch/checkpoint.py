#!/usr/bin/env python3
"""A torch.nn.Sequential with the tensors of a checkpoint of fashion.cnn predicts what the compiled program predicts.

    checkpoint.py PROGRAM CHECKPOINT.safetensors [DATA]       DATA: a folder with t10k-images*, or digits for random images
"""
import glob
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy
import torch

TYPES = {"F32": numpy.float32, "F64": numpy.float64}


def safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, t in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        first, end = (8 + size + o for o in t["data_offsets"])
        if t["dtype"] in TYPES:
            tensors[name] = torch.from_numpy(numpy.frombuffer(data[first:end], TYPES[t["dtype"]]).reshape(t["shape"]).copy())
    return tensors


def images(folder, count=1000):
    found = sorted(glob.glob(os.path.join(folder, "t10k-images*")))
    if not found:
        return numpy.random.default_rng(1).integers(0, 256, (count, 1, 28, 28)).astype(numpy.float32)
    with (gzip.open if found[0].endswith(".gz") else open)(found[0], "rb") as file:
        file.read(16)
        return numpy.frombuffer(file.read(count * 784), numpy.uint8).reshape(-1, 1, 28, 28).astype(numpy.float32)


class Rescale(torch.nn.Module):
    def forward(self, x):
        return x / 255


def main():
    program, checkpoint, folder = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
    tensors = safetensors(checkpoint)
    one, two = tensors["conv1.weight"].shape[0], tensors["conv2.weight"].shape[0]
    nn = torch.nn
    net = nn.Sequential(
        Rescale(), nn.Conv2d(1, one, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(one, two, 3, padding="same"), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(49 * two, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.Softmax(1))
    place = {"conv1": 1, "conv2": 4, "dense1": 8, "dense2": 11}
    net.load_state_dict({f"{place[layer]}.{role}": tensors[f"{layer}.{role}"] for layer in place for role in ("weight", "bias")})
    net.eval()
    x = images(folder)
    with tempfile.TemporaryDirectory() as work:
        numpy.save(os.path.join(work, "x.npy"), x)
        subprocess.run([program, "run", "--weights", checkpoint, "--input", os.path.join(work, "x.npy"), "--output",
                        os.path.join(work, "y.npy")], check=True, stdout=subprocess.DEVNULL)
        ours = torch.from_numpy(numpy.load(os.path.join(work, "y.npy")))
    with torch.no_grad():
        theirs = net(torch.from_numpy(x))
    apart = (ours - theirs).abs().max().item()
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    print(f"torch: {same} of {len(x)} images have the same class, probabilities at most {apart:.1e} apart")
    return 0 if same == len(x) and apart < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
