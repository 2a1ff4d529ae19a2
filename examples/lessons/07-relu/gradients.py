#!/usr/bin/env python3
"""gradients.py FILE...: the gradients that `cnnc step --backward` printed into files, as a table and as a drawing.

    cnnc step relu.cnn --weights relu.safetensors --image three.pgm --backward --class 3 > relu.txt
    ./gradients.py sigmoid.txt relu.txt he.txt

gradients.csv has a line for each dense layer and a column for each file, gradients.svg draws them: the mean size of the gradient of what
the layer made. The scale is logarithmic, so a factor that is the same at every layer makes a straight line.
"""
import math
import os
import re
import sys

COLOURS = ["#d9663a", "#1b6ca8", "#3a8a3a"]
LEFT, TOP, STEP, DECADE, DECADES = 76, 50, 80, 44, 5        # pixels; a decade is a factor of 10, the lowest one begins at 10^-5


def read(path):
    """{ layer: gradient } of the dense layers, in the order of the network."""
    with open(path, encoding="utf-8") as file:
        found = re.findall(r"^  (dense\d+) +(\S+)", file.read().split("\nbackward:")[1], re.M)
    return dict((layer, float(gradient)) for layer, gradient in reversed(found))


def place(number, gradient):
    return LEFT + 30 + number * STEP, TOP - DECADE * math.log10(gradient)


def draw(layers, curves):
    width, height = LEFT + 60 + (len(layers) - 1) * STEP, TOP + DECADES * DECADE + 50
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
    yield '<rect width="100%" height="100%" fill="#ffffff"/>'
    yield '<text x="16" y="24" font-size="15" font-weight="bold" fill="#222222">Mean size of the gradient of what a layer made</text>'
    for power in range(DECADES + 1):
        y = TOP + power * DECADE
        yield f'<line x1="{LEFT}" y1="{y}" x2="{width - 16}" y2="{y}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="#555555">{10.0 ** -power:.{power}f}</text>'
    for number, layer in enumerate(layers):
        yield f'<text x="{place(number, 1)[0]}" y="{height - 24}" text-anchor="middle" fill="#555555">{layer}</text>'
    for colour, (name, gradients) in zip(COLOURS, curves.items()):
        points = [place(number, gradients[layer]) for number, layer in enumerate(layers)]
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="' + " ".join(f"{x},{y:.0f}" for x, y in points) + '"/>'
        yield f'<text x="{points[1][0] - 6}" y="{points[1][1] - 8:.0f}" text-anchor="end" fill="{colour}">{name}</text>'
    yield "</svg>"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    curves = {os.path.splitext(os.path.basename(path))[0]: read(path) for path in sys.argv[1:]}
    layers = list(next(iter(curves.values())))
    with open("gradients.csv", "w", encoding="utf-8") as file:
        print("layer", *curves, sep=",", file=file)
        for layer in layers:
            print(layer, *(f"{gradients[layer]:.3g}" for gradients in curves.values()), sep=",", file=file)
    with open("gradients.svg", "w", encoding="utf-8") as file:
        print("\n".join(draw(layers, curves)), file=file)


main()
