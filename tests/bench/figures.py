"""figures.py: the arithmetic of the bench: shapes, multiplications and additions of networks and layers, medians, ratios."""
import statistics

# Networks layer by layer: (channels, height, width) of the input, then conv filters kernel pad; relu; pool; dense units; drop. They are those
# of nets/*.cnn; selftest.py compares the two.
NETWORKS = {
    "lenet": ((1, 28, 28), "conv 6 5 2, relu, pool, conv 16 5 0, relu, pool, dense 120, relu, dense 84, relu, dense 10"),
    "fashion": ((1, 28, 28), "conv 32 3 1, relu, pool, conv 64 3 1, relu, pool, dense 128, relu, dense 10"),
    "cifar": ((3, 32, 32), ", ".join(f"conv {c} 3 1, relu, conv {c} 3 1, relu, pool" for c in (32, 64, 128)) + ", dense 128, relu, drop, dense 10"),
    "vgg16": ((3, 224, 224), ", ".join(", ".join([f"conv {c} 3 1, relu"] * n) + ", pool"
                                       for c, n in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)))
              + ", dense 4096, relu, drop, dense 4096, relu, drop, dense 1000"),
    "mlp": ((1, 28, 28), "dense 512, relu, dense 512, relu, dense 10"),
}


def layers(name):
    """[(kind, numbers, shape in, shape out)]; a shape is (channels, height, width)."""
    shape, text = NETWORKS[name]
    found = []
    for line in text.split(", "):
        kind, *numbers = line.split()
        numbers = [int(n) for n in numbers]
        before = shape
        if kind == "conv":
            filters, kernel, pad = numbers
            shape = (filters, before[1] + 2 * pad - kernel + 1, before[2] + 2 * pad - kernel + 1)
        elif kind == "pool":
            shape = (before[0], before[1] // 2, before[2] // 2)
        elif kind == "dense":
            shape = (numbers[0], 1, 1)
        found.append((kind, numbers, before, shape))
    return found


def elements(shape):
    return shape[0] * shape[1] * shape[2]


def flops(name):
    """(inference, training step) of one image: 2 for a multiply-add of conv and dense, by direct convolution; nothing else counts. Backward is
    twice forward, but that nobody needs the gradient of the image."""
    forward = backward = 0
    for kind, numbers, before, after in layers(name):
        if kind == "conv":
            work = 2 * elements(after) * before[0] * numbers[1] ** 2
        elif kind == "dense":
            work = 2 * elements(before) * elements(after)
        else:
            continue
        backward += 2 * work if forward else work
        forward += work
    return forward, forward + backward


def parameters(name):
    count = 0
    for kind, numbers, before, after in layers(name):
        if kind == "conv":
            count += after[0] * (before[0] * numbers[1] ** 2 + 1)
        elif kind == "dense":
            count += after[0] * (elements(before) + 1)
    return count


class Conv:
    """A convolution of a table: `side` is that of the picture; depthwise has as many groups as channels."""

    def __init__(self, name, channels, side, filters, kernel, stride=1, groups=1, dilation=1):
        self.name, self.channels, self.side, self.filters, self.kernel, self.stride = name, channels, side, filters, kernel, stride
        self.groups, self.dilation = groups, dilation
        self.pad = kernel // 2 * dilation
        self.out = (side + 2 * self.pad - (kernel - 1) * dilation - 1) // stride + 1

    def flops(self, images):
        """Of forward, of the gradient of the input and of that of the weights, each."""
        return 2 * images * self.filters * self.out ** 2 * (self.channels // self.groups) * self.kernel ** 2


def _resnet50():
    table = [Conv("resnet stem", 3, 224, 64, 7, 2)]
    for stage, (side, width) in enumerate(((56, 64), (28, 128), (14, 256), (7, 512)), 2):
        before, side_before = (64, 56) if stage == 2 else (2 * width, 2 * side)
        stride = 1 if stage == 2 else 2
        table += [Conv(f"res{stage} enter", before, side_before, width, 1),
                  Conv(f"res{stage} middle" if stage == 2 else f"res{stage} down", width, side_before, width, 3, stride),
                  Conv(f"res{stage} leave", width, side, 4 * width, 1),
                  Conv(f"res{stage} shortcut", before, side_before, 4 * width, 1, stride),
                  Conv(f"res{stage} next", 4 * width, side, width, 1)]
        if stage > 2:
            table.append(Conv(f"res{stage} middle", width, side, width, 3))
    return table


def _vgg():
    return [Conv(f"vgg {c}x{side} to {k}", c, side, k, 3) for c, side, k in
            ((3, 224, 64), (64, 224, 64), (64, 112, 128), (128, 112, 128), (128, 56, 256), (256, 56, 256), (256, 28, 512), (512, 28, 512), (512, 14, 512))]


def _mobilenet():
    table = [Conv("mobilenet stem", 3, 224, 32, 3, 2)]
    for channels, side, filters, stride in ((32, 112, 64, 1), (64, 112, 128, 2), (128, 56, 128, 1), (128, 56, 256, 2), (256, 28, 256, 1),
                                            (256, 28, 512, 2), (512, 14, 512, 1), (512, 14, 1024, 2), (1024, 7, 1024, 1)):
        table += [Conv(f"depthwise {channels}x{side}" + (" s2" if stride == 2 else ""), channels, side, channels, 3, stride, channels),
                  Conv(f"point {channels}x{side // stride} to {filters}", channels, side // stride, filters, 1)]
    return table


def _others():
    """What else networks are made of: groups (ResNeXt-50, AlexNet), dilated and large kernels, channels that fill no vectors."""
    return [Conv("32 groups: 128x56", 128, 56, 128, 3, groups=32), Conv("32 groups: 256x28", 256, 28, 256, 3, groups=32),
            Conv("32 groups: 512x14", 512, 14, 512, 3, groups=32), Conv("32 groups: 1024x7", 1024, 7, 1024, 3, groups=32),
            Conv("2 groups: 96x27 to 256", 96, 27, 256, 5, groups=2), Conv("2 groups: 384x13", 384, 13, 384, 3, groups=2),
            Conv("dilated by 2: 64x56", 64, 56, 64, 3, dilation=2), Conv("dilated by 4: 256x28", 256, 28, 256, 3, dilation=4),
            Conv("5x5: 64x27 to 192", 64, 27, 192, 5), Conv("7x7: 32x28", 32, 28, 32, 7), Conv("stem 11x11/4: 3x224 to 64", 3, 224, 64, 11, 4),
            Conv("ragged: 64x56 to 21", 64, 56, 21, 1), Conv("ragged: 30x28 to 50", 30, 28, 50, 3), Conv("ragged: 100x14", 100, 14, 100, 3),
            Conv("ragged: 20x24 to 50", 20, 24, 50, 5)]


LAYERS = {"resnet50": _resnet50(), "vgg": _vgg(), "mobilenet": _mobilenet(), "others": _others()}


def median(values):
    return statistics.median(values)


def ratio(these, those):
    """How many times as long those take: the median over the rounds of one divided by the other, so that a clock that drifts from round to round
    does not matter."""
    return median(b / a for a, b in zip(these, those))


def share(times, work, peaks):
    """Share of peak: `work` flops in each of `times` seconds, while GIGA flops of peak.c took each of `peaks` seconds."""
    return median(work / time / (1e9 / peak) for time, peak in zip(times, peaks))
