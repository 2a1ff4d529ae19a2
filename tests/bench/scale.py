#!/usr/bin/env python3
"""What the cost model of docs/SCALE.md predicts, as its tables. The defaults are VGG16 and what was measured or assumed there; put in your
own.

    scale.py [--weights N] [--image SECONDS] [--link GB/S] [--latency MICROSECONDS] [--add GB/S] [--update SECONDS] [--local IMAGES | --batch IMAGES]

--image is the time of one image in training on one rank, --link what a rank sends in a second while it receives as much, --add what it
adds up in a second (bytes read and written), --update the time of one update. --local is for so many images a rank, --batch for so many
in all.
"""
import argparse
import math

MOST_ROOM = 64 << 20            # bytes that come in at a time: MOST_ROOM of runtime/ranks.c


def slices(images, tile):
    """As cnn_batch_slices of runtime/batch.c, for weights that leave the cache."""
    count = 1
    while 2 * count <= 1024 and 2 * count <= math.ceil(images / tile) and 2 * count * (8 if count == 1 else 32) <= images:
        count *= 2
    return count


def step(a, ranks, batch):
    """Seconds: computing, the sum of the gradients, its part that buckets by layers could not hide, the update."""
    cut = slices(batch, a.tile)
    largest = math.ceil(cut / ranks) * math.ceil(batch / cut)
    compute = largest * a.image
    if ranks == 1:
        return compute, 0, 0, a.update
    size = 4 * a.weights
    parts = math.ceil(size / MOST_ROOM)
    move = 2 * (ranks - 1) / ranks * size / (a.link * 1e9)
    wait = 2 * (ranks - 1) * parts * a.latency * 1e-6
    add = 3 * (ranks - 1) / ranks * size / (a.add * 1e9)
    total = move + wait + add
    # The dense layers of VGG16, 89 % of its weights, are ready when 1 % of the backward pass is done; that pass is two thirds of the time.
    hidden = 2 / 3 * compute
    exposed = max(total - hidden, total * a.last)
    return compute, total, exposed, a.update


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--weights", type=int, default=138357544)
    p.add_argument("--tile", type=int, default=16)
    p.add_argument("--image", type=float, required=True)
    p.add_argument("--link", type=float, default=1.25)
    p.add_argument("--latency", type=float, default=20)
    p.add_argument("--add", type=float, default=10)
    p.add_argument("--update", type=float, default=0)
    p.add_argument("--last", type=float, default=0.01, help="share of the weights whose gradients are ready last")
    p.add_argument("--local", type=int, default=32)
    p.add_argument("--batch", type=int)
    a = p.parse_args()
    one = None
    print("| ranks | batch | computing | sum | step | images/s | of ideal | with buckets |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for k in range(11):
        ranks = 1 << k
        batch = a.batch or a.local * ranks
        compute, total, exposed, update = step(a, ranks, batch)
        rate = batch / (compute + total + update)
        one = one or rate
        bucket = batch / (compute + exposed + update)
        print(f"| {ranks} | {batch} | {compute:.2f} s | {total:.2f} s | {compute + total + update:.2f} s | {rate:.1f} | {100 * rate / ranks / one:.0f} % "
              f"| {100 * bucket / ranks / one:.0f} % |")


main()
