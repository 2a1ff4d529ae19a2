#!/usr/bin/env python3
"""session.py CNNC LIBCNN.a [CC]: what a run of training leaves behind, read by programs that share no code with it.

TensorBoard's event files (framing, checksums, messages), the report's page and its pictures, curves, a fine-tuned network with frozen layers, the
layer that goes wrong first, and NAME_predict_u8 against the runtime. The last line is `session: N passed, M failed`.
"""
import base64
import glob
import html.parser
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

CNNC, LIBCNN = (os.path.abspath(p) for p in sys.argv[1:3])
CC = sys.argv[3].split() if len(sys.argv) > 3 else ["cc", "-O1"]
NEEDS = open(LIBCNN[:-2] + ".needs").read().split()
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
results = []

NET = """
data drawn { source digits, train=600, test=200 }
network Net {
  input 28x28x1
  normalise
  avgpool 2x2
  conv 4, 3x3, relu
  conv 6, 3x3, relu
  maxpool 2x2
  dense HEAD, softmax
}
train Net on drawn { optimizer adam, lr=0.01; epochs 3; batch 20; validate 10%; report accuracy, confusion, per-class, top5; EXTRA }
"""


def check(what, good, why=""):
    results.append(bool(good))
    if not good:
        print(f"FAIL {what}\n{why}")


def run(*command, status=0, **environment):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=120,
                          env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80", **environment})
    check(" ".join(command)[:100], done.returncode == status, done.stdout)
    return done.stdout


def program(name, head="10", extra=""):
    with open(name + ".cnn", "w") as file:
        file.write(NET.replace("HEAD", head).replace("EXTRA", extra))
    run(CNNC, "--main", name + ".cnn", "-o", name + ".c")
    run(*CC, name + ".c", LIBCNN, *NEEDS, "-o", name)


# ---- TensorBoard

def crc32c(data):
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    data = open(path, "rb").read()
    at = 0
    while at < len(data):
        length, sum_length = struct.unpack_from("<QI", data, at)
        event = data[at + 12:at + 12 + length]
        (sum_event,) = struct.unpack_from("<I", data, at + 12 + length)
        assert sum_length == masked(data[at:at + 8]) and sum_event == masked(event) and len(event) == length, f"a record at {at} of {path}"
        yield event
        at += 16 + length


def fields(message):
    """(number, value) of a protobuf message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(message):
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            value = message[at:at + size]
            assert len(value) == size
            at += size
        yield key >> 3, value


def scalars(folder):
    """{tag: {step: value}} of all event files of a folder."""
    found = {}
    for path in sorted(glob.glob(folder + "/*tfevents*")):
        events = [dict(fields(event)) for event in records(path)]
        assert events[0][3] == b"brain.Event:2"
        times = [struct.unpack("<d", event[1])[0] for event in events]
        assert times == sorted(times) and times[0] > 1.5e9
        for event in events[1:]:
            for number, value in fields(event[5]):
                item = dict(fields(value))
                assert number == 1
                found.setdefault(item[1].decode(), {})[event[2]] = struct.unpack("<f", item[2])[0]
    return found


def rows(path):
    lines = open(path).read().split()
    return [dict(zip(lines[0].split(","), line.split(","))) for line in lines[1:]]


def tensorboard():
    run("./net", "train", "--tensorboard", "some/where", "--csv", "net.csv", "--save", "net.safetensors", "--report", "net.html", "--quiet")
    found, table = scalars("some/where"), rows("net.csv")
    single = lambda text: struct.unpack("<f", struct.pack("<f", float(text)))[0]
    for tag, column in (("loss/train", "loss"), ("accuracy/train", "accuracy"), ("loss/validation", "val_loss"), ("accuracy/validation", "val_accuracy")):
        check(f"TensorBoard's {tag} is the csv's {column}", found.get(tag) == {int(r["step"]): single(r[column]) for r in table}, str(found.get(tag)))
    check("TensorBoard hears of every step of a short epoch", len(found["step/loss"]) == 3 * 27 and len(found["step/rate"]) == 3 * 27, str(len(found["step/loss"])))
    run("./net", "train", "--tensorboard", "some/where", "--epochs", "1", "--quiet")
    check("another run adds a file", len(glob.glob("some/where/*tfevents*")) == 2)
    run("./net", "train", "--tensorboard", "net.csv", "--epochs", "1", status=1)


# ---- the report

class Page(html.parser.HTMLParser):
    EMPTY = {"meta", "img", "br", "path", "circle"}

    def __init__(self):
        super().__init__()
        self.open, self.images, self.words, self.loads = [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in self.EMPTY:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "srcset"):
                (self.images if value.startswith("data:image/png;base64,") else self.loads).append(value)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.words.append(data)


def size_of_png(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    w, h, depth, colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert len(zlib.decompress(chunks[b"IDAT"])) == h * (1 + w * {0: 1, 2: 3}[colour]) and depth == 8
    return h, w


def report():
    page = Page()
    text = open("net.html").read()
    page.feed(text)
    check("the page closes what it opens", page.open == [], str(page.open))
    check("the page loads nothing", not page.loads and "<script" not in text and "url(" not in text and "@import" not in text)
    sizes = [size_of_png(base64.b64decode(image.split(",")[1])) for image in page.images]
    check("four filters of 3x3 and some mistakes of 28x28 are shown", sizes.count((3, 3)) == 4 and sizes.count((28, 28)) >= 5 and len(sizes) <= 28, str(sizes))
    words = " ".join(page.words)
    check("colours mean what they mean elsewhere", "Blue weights are positive" in words, words[:200])
    for part in ("Training", "What was taken for what", "Most often confused", "Each class", "What the first layer looks for", "Worst mistakes", "taken for"):
        check(f"the page has '{part}'", part in words)
    check("the page is light and dark", "prefers-color-scheme:dark" in text)
    run("./net", "train", "--save", "again.safetensors", "--report", "again.html", "--quiet", "--threads", "1")
    check("the same run gives the same page", open("again.html").read() == text)
    out = run("./net", "test", "--weights", "net.safetensors", "--report", "test.html")
    check("test writes a page without curves", "report in test.html" in out and "<svg" not in open("test.html").read())


# ---- the screen

def screen():
    for locale, marks in (("C.UTF-8", "\u2800-\u28ff"), ("C", "*o@")):
        out = run("./net", "train", "--plot", "--save", "plot.safetensors", LC_ALL=locale)
        check(f"curves in {locale}", re.search(f"[{marks}]{{3}}", out) and "accuracy, %" in out and "validation" in out, out)
        check(f"a pipe gets lines of 80 columns without control characters ({locale})",
              max(map(len, out.split("\n"))) <= 80 and not re.search("[\x00-\x09\x0b-\x1f]", out), out)
        check("the best epoch is marked", re.search(r"^>  +\d .* best$", out, re.M), out)
    out = run("./net", "train", "--find-lr", LC_ALL="C")
    rate = re.search(r"^try: --lr (\S+) ", out, re.M)
    check("a learning rate is proposed", rate and 1e-4 <= float(rate[1]) <= 0.5, out)
    check("--find-lr draws and trains nothing", "learning rate (logarithmic)" in out and "epoch" not in out, out)
    run("./net", "train", "--find-lr", "--input", "x.npy", "--target", "y.npy", status=2)


# ---- weights

def tensors(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack_from("<Q", data)
    head = json.loads(data[8:8 + length])
    return {name: data[8 + length + t["data_offsets"][0]:8 + length + t["data_offsets"][1]] for name, t in head.items() if name != "__metadata__"}


def change(source, target, name, make):
    """A copy of a safetensors file in which the floats of one tensor are others."""
    data = bytearray(open(source, "rb").read())
    (length,) = struct.unpack_from("<Q", data)
    first, end = json.loads(data[8:8 + length])[name]["data_offsets"]
    for i in range((end - first) // 4):
        struct.pack_into("<f", data, 8 + length + first + 4 * i, make(i))
    open(target, "wb").write(data)


def fine_tuning():
    program("other", head="12", extra="freeze conv1, conv2")
    out = run("./other", "train", "--weights", "net.safetensors", status=1)
    check("another head does not fit", "dense1.weight is [10, 150], but the network has [12, 150]" in out, out)
    out = run("./other", "train", "--weights", "net.safetensors", "--fine-tune", "--save", "other.safetensors", "--epochs", "1")
    before, after = tensors("net.safetensors"), tensors("other.safetensors")
    check("what does not fit is listed", "dense1.weight" in out and "dense1.bias" in out, out)
    for name in ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"):
        check(f"{name} was loaded and is frozen", before[name] == after[name])
    check("the head was trained", len(after["dense1.weight"]) == 12 * 150 * 4)


def detective():
    change("net.safetensors", "large.safetensors", "conv2.weight", lambda i: 3e38 if i % 2 else -3e38)
    out = run("./net", "train", "--weights", "large.safetensors", "--epochs", "1", "--lr", "0.5", status=1)
    check("the first layer whose output is not finite is named", "the output of the layer conv2 was the first" in out and "at epoch 1, step 1" in out
          and "3e+38 in conv2.weight" in out, out)
    change("net.safetensors", "large.safetensors", "dense1.weight", lambda i: 3e38 if i % 2 else -3e38)
    out = run("./net", "train", "--weights", "large.safetensors", "--epochs", "1", status=1)
    check("the last one, too", "the output of the layer dense1 was the first" in out or "gradient of" in out, out)
    out = run("./net", "train", "--lr", "1e25", "--epochs", "1", status=1)
    check("a rate is proposed", "it was 1e+25, try --lr 1e+24" in out, out)


# ---- use

PREDICT = r"""
#include "predict.h"
#include <stdio.h>
#include <string.h>
int main(void)
{
    static unsigned char bytes[NET_INPUTS];
    static float numbers[NET_INPUTS];
    float a[NET_OUTPUTS], b[NET_OUTPUTS];
    while (fread(bytes, 1, sizeof bytes, stdin) == sizeof bytes) {
        for (int i = 0; i < NET_INPUTS; i++)
            numbers[i] = bytes[i];
        Net_predict_u8(bytes, a);
        Net_predict(numbers, b);
        if (memcmp(a, b, sizeof a))
            return 1;
        for (int i = 0; i < NET_OUTPUTS; i++)
            printf("%.9g ", (double)a[i]);
    }
    return 0;
}
"""


def npy(path, shape, data):
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (117 - len(head)) + "\n"
    open(path, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data)


def use():
    count, state, pixels = 8, 1, bytearray()
    for _ in range(count * 784):
        state = (state * 1103515245 + 12345) % 2 ** 31
        pixels.append(state >> 16 & 255)
    npy("x.npy", (count, 1, 28, 28), bytes(pixels))
    npy("y.npy", f"({count},)", bytes(range(count)))
    run("./net", "run", "--weights", "net.safetensors", "--input", "x.npy", "--output", "results.npy")
    want = struct.unpack(f"<{count * 10}f", open("results.npy", "rb").read()[-count * 40:])
    open("predict-main.c", "w").write(PREDICT)
    outputs = ["predict.c"] + (["predict.o"] if "LLVM " in run(CNNC, "--version") else [])
    for output in outputs:
        run(CNNC, "--infer", "--weights=net.safetensors", "net.cnn", "-o", output, "-o", "predict.h")
        run(*CC, "-Wall", "-Werror", "predict-main.c", output, "-lm", "-o", "predict")
        done = subprocess.run(["./predict"], input=bytes(pixels), stdout=subprocess.PIPE, timeout=60)
        got = [float(word) for word in done.stdout.split()]
        check(f"predict_u8 of {output} is predict", done.returncode == 0)
        check(f"predict_u8 of {output} says what training's program says", len(got) == len(want) and all(abs(a - b) < 1e-5 for a, b in zip(got, want)),
              f"{got}\n{want}")


folder = tempfile.mkdtemp(prefix="session.")
os.chdir(folder)
try:
    program("net")
    tensorboard()
    report()
    use()
    screen()
    fine_tuning()
    detective()
finally:
    os.chdir("/")
    shutil.rmtree(folder)
print(f"session: {sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(0 if all(results) else 1)
