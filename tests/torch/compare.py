#!/usr/bin/env python3
"""Networks that netjson prints, done again by PyTorch in float64: y, losses and every gradient must agree within 1e-10.

    compare.py NETJSON [arguments of netjson...]

Ends with status 77 if PyTorch is not installed.
"""
import json
import subprocess
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("torch: PyTorch is not installed")
    sys.exit(77)

LIMIT = 1e-10
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def numbers(at):
    return torch.tensor(at, dtype=torch.float64)


def pads(site, sizes, kernel, stride, dilation):
    """Top, bottom, left, right, by the rules of the language."""
    if site["args"]["pad"]["given"]:
        return site["args"]["pad"]["number"]
    if site["args"]["padding"]["word"] != "same":
        return [0, 0, 0, 0]
    result = []
    for i in range(2):
        out = -(-sizes[i] // stride[i])
        total = max((out - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - sizes[i], 0)
        result += [total // 2, total - total // 2]
    return result


def padded(x, pad, value):
    top, bottom, left, right = pad
    return F.pad(x, (left, right, top, bottom), value=value)


def groups(site, x):
    return x.shape[1] if site["args"]["depthwise"]["flag"] else site["args"]["groups"]["number"][0]


def conv(site, x, p):
    a = site["args"]
    kernel, stride, dilation = (a[k]["number"][:2] for k in ("kernel", "stride", "dilation"))
    x = padded(x, pads(site, x.shape[2:], kernel, stride, dilation), a["fill"]["real"])
    return F.conv2d(x, p["weight"], p.get("bias"), stride=stride, dilation=dilation, groups=groups(site, x))


def deconv(site, x, p):
    a = site["args"]
    stride, dilation = (a[k]["number"][:2] for k in ("stride", "dilation"))
    sizes = [s * t for s, t in zip(x.shape[2:], stride)]
    # Without the bias: what `same` adds at the bottom and right holds the bias too.
    y = F.conv_transpose2d(x, p["weight"], None, stride=stride, dilation=dilation, groups=groups(site, x))
    if a["pad"]["given"]:
        top, bottom, left, right = a["pad"]["number"]
        y = y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]
    elif a["padding"]["word"] == "same":
        cut = [max(s - w, 0) // 2 for s, w in zip(y.shape[2:], sizes)]
        y = y[:, :, cut[0]:cut[0] + sizes[0], cut[1]:cut[1] + sizes[1]]
        y = F.pad(y, (0, sizes[1] - y.shape[3], 0, sizes[0] - y.shape[2]))
    return y + p["bias"][:, None, None] if "bias" in p else y


def pool_window(site, x):
    kernel = site["args"]["kernel"]["number"][:2]
    stride = site["args"]["stride"]["number"][:2] if site["args"]["stride"]["given"] else kernel
    return kernel, stride, pads(site, x.shape[2:], kernel, stride, [1, 1])


def maxpool(site, x, p):
    kernel, stride, pad = pool_window(site, x)
    return F.max_pool2d(padded(x, pad, -float("inf")), kernel, stride)


def window_sum(x, kernel, stride):
    return F.avg_pool2d(x, kernel, stride, divisor_override=1)


def avgpool(site, x, p):
    kernel, stride, pad = pool_window(site, x)
    total = window_sum(padded(x, pad, 0), kernel, stride)
    if site["args"]["countpad"]["flag"]:
        return total / (kernel[0] * kernel[1])
    return total / window_sum(padded(torch.ones_like(x), pad, 0), kernel, stride)


def l1pool(site, x, p):
    kernel, stride, pad = pool_window(site, x)
    return window_sum(padded(x, pad, 0).abs(), kernel, stride)


def l2pool(site, x, p):
    kernel, stride, pad = pool_window(site, x)
    square = window_sum(padded(x, pad, 0) ** 2, kernel, stride)
    some = square > 0
    return torch.where(some, torch.where(some, square, torch.ones_like(square)).sqrt(), torch.zeros_like(square))


def batchnorm(site, x, p):
    a = site["args"]
    return F.batch_norm(x, p["running_mean"], p["running_var"], p["weight"], p["bias"], p["training"], a["momentum"]["real"], a["eps"]["real"])


def normalise(site, x, p):
    shape = [-1] + [1] * (x.dim() - 2)
    return (x - p["mean"].reshape(shape)) / p["deviation"].reshape(shape)


def dropout(site, x, p):
    if not p["training"]:
        return x
    rate = site["args"]["rate"]["real"]
    keep = numbers(site["uniform"]).reshape(x.shape) >= rate
    return x * keep / (1 - rate)


def real(site, name):
    return site["args"][name]["real"]


LAYERS = {
    "conv": conv, "deconv": deconv, "maxpool": maxpool, "avgpool": avgpool, "l1pool": l1pool, "l2pool": l2pool,
    "batchnorm": batchnorm, "normalise": normalise, "dropout": dropout,
    "dense": lambda s, x, p: F.linear(x.flatten(1), p["weight"], p.get("bias")),
    "globalavgpool": lambda s, x, p: x.mean((2, 3)),
    "globalmaxpool": lambda s, x, p: F.max_pool2d(x, x.shape[2:]).flatten(1),
    "relu": lambda s, x, p: F.relu(x),
    "leaky": lambda s, x, p: F.leaky_relu(x, real(s, "a")),
    "elu": lambda s, x, p: F.elu(x, real(s, "alpha")),
    "gelu": lambda s, x, p: F.gelu(x),
    "silu": lambda s, x, p: F.silu(x),
    "softplus": lambda s, x, p: F.softplus(x, threshold=700),
    "sigmoid": lambda s, x, p: torch.sigmoid(x),
    "tanh": lambda s, x, p: torch.tanh(x),
    # The perceptron rule passes the gradient as if step were not there.
    "step": lambda s, x, p: (x > 0).to(x.dtype) + (x - x.detach() if p["straight_through"] else 0 * x),
    "softmax": lambda s, x, p: F.softmax(x.flatten(1), 1).reshape(x.shape),
    "identity": lambda s, x, p: x,
    "flatten": lambda s, x, p: x.flatten(1),
    "rescale": lambda s, x, p: x * real(s, "factor"),
}


def run(net, training):
    """y, the losses of the images, their mean, the input and the params with gradients."""
    params = {}
    for name, p in net["params"].items():
        params[name] = numbers(p["at"]).reshape(p["shape"]).requires_grad_(p["trained"])
    x = numbers(net["x"]).reshape([net["batch"]] + net["input"]).requires_grad_(True)
    target = torch.tensor(net["target"], dtype=torch.float64).reshape(net["batch"], -1)
    values = [x]
    for site in net["sites"]:
        inputs = [values[i] for i in site["in"]]
        if site["kind"] == "add":
            y = sum(inputs)
        elif site["kind"] == "concat":
            y = torch.cat(inputs, 1)
        else:
            p = {role: params[name] for role, name in site["params"].items()}
            p.update(training=training, straight_through=net["straight_through"])
            y = LAYERS[site["kind"]](site, inputs[0], p)
        assert list(y.shape[1:]) == site["shape"], (site["name"], y.shape, site["shape"])
        values.append(y)
    y = values[net["result"]]
    if net["loss"]["kind"] == "crossentropy":
        logits = values[net["sites"][net["result"] - 1]["in"][0]].flatten(1)
        losses = F.cross_entropy(logits, target, reduction="none", label_smoothing=real(net["loss"], "smooth"))
    else:
        losses = ((y.flatten(1) - target) ** 2).sum(1) / 2
    losses.mean().backward()
    return y, losses, x, params


def apart(got, want, floor=0.0):
    got = numbers(got) if not torch.is_tensor(got) else got.detach().flatten()
    want = want.detach().flatten()
    distance, size = (got - want).norm().item(), max(want.norm().item(), floor)
    return distance / size if size > 0 else distance


def compare(net, mode):
    """The largest difference, and a sentence about each that is too large."""
    y, losses, x, params = run(net, mode == "train")
    answer = net[mode]
    rows = [("y", answer["y"], y, 0), ("loss", answer["loss"], losses, 0)]
    zero = torch.zeros
    gradients = [(n, p.grad if p.grad is not None else zero(p.shape)) for n, p in params.items() if net["params"][n]["trained"]]
    # A gradient that cancels to nothing is measured against the others.
    floor = 1e-2 * max([g.abs().max().item() for _, g in gradients] + [x.grad.abs().max().item()])
    rows.append(("dx", answer.get("dx", [0.0] * x.numel()), x.grad, floor))
    for name, gradient in gradients:
        rows.append((name, answer["params"].get(name, [0.0] * gradient.numel()), gradient, floor))
    for name, p in params.items():
        if not net["params"][name]["trained"] and name in answer["params"]:
            rows.append((name, answer["params"][name], p, 0))
    worst, wrong = 0.0, []
    for name, got, want, floor in rows:
        d = apart(got, want, floor)
        worst = max(worst, d)
        if not d <= LIMIT:
            wrong.append(f"  {net['name']} (seed {net['seed']}), {mode}: {name} is {d:.3g} apart from PyTorch's")
    return worst, wrong


def main():
    made = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
    nets = failed = 0
    worst = 0.0
    for line in made.stdout.splitlines():
        net = json.loads(line)
        nets += 1
        for mode in ("train", "eval"):
            distance, wrong = compare(net, mode)
            worst = max(worst, distance)
            failed += bool(wrong)
            print("\n".join(wrong), end="\n" if wrong else "")
    print(f"torch: {nets} networks like PyTorch {torch.__version__}, at most {worst:.1e} apart, {failed} failed")
    return 1 if failed or nets == 0 or made.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
