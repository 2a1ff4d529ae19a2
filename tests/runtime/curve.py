#!/usr/bin/env python3
"""From equal first weights, the losses of 100 steps follow PyTorch's, for every optimizer on lenet and fashion: within 1e-4 in float and
within 1e-9 in double. The rates are those of a calm descent: where the loss jumps about, a difference in the last bit grows until
float runs part, PyTorch's own on two machines as well.

    curve.py [--all] CNNC LIBCNN.a [DATA]

DATA is a folder with mnist/ and fashion-mnist/; without it the images are noise with a pattern. Without --all: sgd, momentum and adam in
float.

Ends with status 77 if PyTorch is not installed.
"""
import csv
import glob
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
    from torch import nn
except ImportError:
    print("curve: PyTorch is not installed")
    sys.exit(77)

IMAGES, STEPS = 32, 100
LIMITS = {"float": 1e-4, "double": 1e-9}
torch.set_num_threads(1)

LENET = """network Net {
  input 28x28x1
  rescale 1/255
  conv 6, 5x5, same, tanh
  avgpool 2x2
  conv 16, 5x5, tanh
  avgpool 2x2
  dense 120, tanh
  dense 84, tanh
  dense 10, softmax
}
"""
FASHION = """network Net {
  input 28x28x1
  rescale 1/255
  conv 32, 3x3, same, relu
  maxpool 2x2
  conv 64, 3x3, same, relu
  maxpool 2x2
  dense 128, relu
  dense 10, softmax
}
"""


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
                         nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))


def fashion():
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


# The rates below times the last number: relu and maxpool turn the last bit of a sum into another branch more often than tanh does.
NETS = {"lenet": (LENET, lenet, "mnist", 1), "fashion": (FASHION, fashion, "fashion-mnist", 0.25)}
RULES = {
    "sgd": (0.01, "sgd, lr=%g", lambda p, rate: torch.optim.SGD(p, lr=rate)),
    "momentum": (0.002, "sgd, lr=%g, momentum=0.9", lambda p, rate: torch.optim.SGD(p, lr=rate, momentum=0.9)),
    "adam": (0.0001, "adam, lr=%g", lambda p, rate: torch.optim.Adam(p, lr=rate)),
    "nesterov": (0.002, "sgd, lr=%g, momentum=0.9, nesterov, decay=5e-4",
                 lambda p, rate: torch.optim.SGD(p, lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)),
    "adamw": (0.0001, "adamw, lr=%g, decay=0.05", lambda p, rate: torch.optim.AdamW(p, lr=rate, weight_decay=0.05)),
    "rmsprop": (0.00002, "rmsprop, lr=%g", lambda p, rate: torch.optim.RMSprop(p, lr=rate)),
}


def safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            low, high = entry["data_offsets"]
            numbers = numpy.frombuffer(data[8 + size + low:8 + size + high], {"F32": "<f4", "F64": "<f8"}[entry["dtype"]])
            tensors[name] = torch.tensor(numbers.reshape(entry["shape"]).copy())
    return tensors


def images(data, name, real):
    found = glob.glob(os.path.join(data, name, "train-images-idx3-ubyte*")) if data else []
    if found:
        read = lambda path: (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
        x = numpy.frombuffer(read(found[0])[16:16 + IMAGES * 784], numpy.uint8)
        y = numpy.frombuffer(read(found[0].replace("images-idx3", "labels-idx1"))[8:8 + IMAGES], numpy.uint8)
    else:
        random = numpy.random.default_rng(1)
        y = random.integers(0, 10, IMAGES)
        x = random.integers(0, 100, (IMAGES, 28, 28))
        for i, label in enumerate(y):
            x[i, 2 * label:2 * label + 8, 4:24] += 100
    return x.reshape(IMAGES, 1, 28, 28).astype(numpy.float32 if real == "float" else numpy.float64), y.astype(numpy.int64)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit("curve: %s\n%s%s" % (" ".join(command), done.stdout, done.stderr))


def compare(cnnc, libcnn, data, net, real, rule, folder):
    text, module, name, calm = NETS[net]
    rate, words, optimizer = RULES[rule]
    at = lambda file: os.path.join(folder, file)
    with open(at("net.cnn"), "w") as file:
        file.write(text + "train Net on mnist { loss crossentropy; optimizer %s; epochs 1 }\n" % (words % (calm * rate)))
    torch.set_default_dtype(torch.float32 if real == "float" else torch.float64)
    x, y = images(data, name, real)
    numpy.save(at("x.npy"), x)
    numpy.save(at("y.npy"), y)
    run(cnnc, "--target=sse2", "--real=" + real, "--main", at("net.cnn"), "-o", at("net.c"))
    run("cc", "-O1", at("net.c"), libcnn, *open(libcnn[:-2] + ".needs").read().split(), "-o", at("net"))
    arrays = ["--input", at("x.npy"), "--target", at("y.npy"), "--quiet"]
    run(at("net"), "train", *arrays, "--steps", "1", "--lr", "0", "--save", at("first.safetensors"))
    run(at("net"), "train", *arrays, "--steps", str(STEPS), "--weights", at("first.safetensors"), "--csv", at("net.csv"))
    with open(at("net.csv")) as file:
        ours = [float(row["loss"]) for row in csv.DictReader(file)]

    model, first = module(), safetensors(at("first.safetensors"))
    names = ["%s.%s" % (layer, kind) for layer in ("conv1", "conv2", "dense1", "dense2", "dense3") for kind in ("weight", "bias")]
    with torch.no_grad():
        for parameter, tensor in zip(model.parameters(), [first[name] for name in names if name in first]):
            parameter.copy_(tensor)
    rule, x, y, theirs = optimizer(model.parameters(), calm * rate), torch.tensor(x) / 255, torch.tensor(y), []
    for _ in range(STEPS):
        rule.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        rule.step()
        theirs.append(loss.item())
    return max(abs(a - b) / abs(b) for a, b in zip(ours, theirs)), ours[0], ours[-1]


def main():
    words = [word for word in sys.argv[1:] if word != "--all"]
    everything = len(words) < len(sys.argv) - 1
    cnnc, libcnn = words[:2]
    data = words[2] if len(words) > 2 else None
    tried = failed = 0
    for net in NETS:
        for real in LIMITS if everything else ["float"]:
            for rule in RULES if everything else ["sgd", "momentum", "adam"]:
                with tempfile.TemporaryDirectory() as folder:
                    error, first, last = compare(cnnc, libcnn, data, net, real, rule, folder)
                good = error <= LIMITS[real]
                tried += 1
                failed += not good
                print("%-8s %-7s %-9s loss %.4f -> %.4f, largest relative difference %.1e%s" % (net, real, rule, first, last, error,
                                                                                                "" if good else "   TOO LARGE"), flush=True)
    print("curve: %d of %d runs follow PyTorch" % (tried - failed, tried))
    return failed > 0


sys.exit(main())
