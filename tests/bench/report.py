#!/usr/bin/env python3
"""report.py: what the bench found, as tables for the terminal and docs/PERFORMANCE.md and as docs/performance.svg.

    report.py            writes the page and the picture anew from last.json
    report.py --check    whether they are what last.json says
"""
import json
import os
import re
import sys

import figures

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WHO = ["cnnc", "PyTorch", "onnxruntime", "oneDNN"]
COLOURS = {"cnnc": "#1b6ca8", "onnxruntime": "#7a7a7a"}     # of bars; PyTorch is the line at 1

# What is aimed at: (ratio to the best PyTorch, share of peak); inference of one image is compared with onnxruntime.
GOALS = {
    "lenet train 1": (15, None), "lenet train 32": (4, None), "lenet train 128": (4, 0.75), "lenet infer 1": (3, None),
    "fashion train 1": (5, None), "fashion train 32": (2, None), "fashion train 128": (2, 0.78), "fashion infer 1": (1.5, None),
    "cifar train 1": (2.3, None), "cifar train 32": (1.6, None), "cifar train 128": (1.6, 0.75), "cifar infer 1": (1.3, None),
    "vgg16 train 8": (1.5, None), "vgg16 infer 1": (1.3, None),
}


def read(path):
    if not os.path.exists(path):
        return {"cells": {}, "conditions": {}}
    with open(path) as file:
        return json.load(file)


def write(path, kept):
    """A line a row, so that differences can be read."""
    text = json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False)
    text = re.sub(r"\[[^][{}]*\]", lambda m: re.sub(r"\s+", " ", m.group(0)), text)
    with open(path + ".new", "w") as file:
        file.write(text + "\n")
    os.replace(path + ".new", path)


# ---- numbers

def number(value):
    """Three digits: 0.0123, 1.23, 12.3, 123, 1 230, 12 300."""
    if value >= 1000:
        digits = len(str(int(value))) - 3
        return f"{round(value / 10 ** digits) * 10 ** digits:,}".replace(",", " ")
    return f"{value:.{0 if value >= 99.95 else 1 if value >= 9.995 else 2 if value >= 0.9995 else 3}f}"


def duration(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds * 1e9)} ns"


def times_of(cell, who, how=None):
    return [r for r in cell["rows"] if r["who"] == who and (how is None or r["how"] == how)]


def best(cell, who):
    rows = times_of(cell, who)
    return min(rows, key=lambda r: figures.median(r["times"])) if rows else None


def share(cell, row):
    peak = times_of(cell, "peak", row["peak"])
    return figures.share(row["times"], cell["work"], peak[0]["times"]) if peak else None


def percent(value):
    return "" if value is None else f"{100 * value:.{0 if value >= 0.0995 else 1}f} %"


def title(key):
    net, task, batch = key.split()
    return f"{net}, {'training, a batch of' if task == 'train' else 'inference of'} {batch}"


def rival(key, cell):
    """Whom the ratio is to: the best PyTorch, for inference of one image onnxruntime where it is there."""
    return (best(cell, "onnxruntime") if " infer " in key else None) or best(cell, "PyTorch")


def columns(rows, right):
    """Lines of aligned columns; those in `right` to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip() for row in rows]


def table_rows(key, cell):
    """(who, how, time an image, images a second, ratio, share), fastest first among its own."""
    against = rival(key, cell)
    rows = []
    for who in WHO:
        for row in sorted(times_of(cell, who), key=lambda r: figures.median(r["times"])):
            time = figures.median(row["times"])
            ratio = number(figures.ratio(row["times"], against["times"])) if against else ""
            rows.append([who, row["how"], duration(time), number(1 / time), ratio, percent(share(cell, row))])
    return rows, against


def terminal(key, cell):
    rows, against = table_rows(key, cell)
    head = ["", "", "an image", "a second", "times " + against["who"] if against else "", "of peak"]
    peaks = ", ".join(f"{r['how']} {number(1 / figures.median(r['times']))}" for r in times_of(cell, "peak"))
    return f"\n{title(key)}   (peak in GFLOP/s: {peaks})\n" + "\n".join("  " + line for line in columns([head] + rows, {2, 3, 4, 5}))


# ---- threads, layers, and compiling


def threads_rows(cells):
    rows = [["", "one thread", "two threads", "times as fast", "two programs"]]
    for key in sorted((k for k in cells if k.startswith("threads ")), key=lambda k: list(figures.NETWORKS).index(k.split()[1])):
        one, two, apart = (times_of(cells[key], "cnnc", how) for how in ("1", "2", "side by side"))
        if one and two:
            _, net, batch = key.split()
            rows.append([title(f"{net} train {batch}"), *(duration(figures.median(r[0]["times"])) for r in (one, two)),
                         number(figures.ratio(two[0]["times"], one[0]["times"])),
                         number(figures.ratio(apart[0]["times"], one[0]["times"])) if apart else ""])
    return rows


def terminal_threads(cells):
    return "\nan image, by threads\n" + "\n".join("  " + line for line in columns(threads_rows(cells), {1, 2, 3, 4}))


TASKS = ["forward", "dx", "dw"]


def layer_rows(table, cells):
    """(layer, images, then for each task: share of peak, times as fast as oneDNN)."""
    rows = [["", "images"] + [word for task in TASKS for word in (task, "times oneDNN")]]
    for conv in figures.LAYERS[table]:
        for key in sorted((k for k in cells if k.startswith(f"{table}/{conv.name}/")), key=lambda k: int(k.rsplit("/", 1)[1])):
            cell = cells[key]
            row = [f"{conv.name}: {conv.channels}x{conv.side}x{conv.side}, {conv.kernel}x{conv.kernel}" + (f"/{conv.stride}" if conv.stride > 1 else ""),
                   key.rsplit("/", 1)[1]]
            for task in TASKS:
                mine, theirs = times_of(cell, "cnnc", task), times_of(cell, "oneDNN", task)
                there = mine and figures.median(mine[0]["times"]) > 0
                row.append(percent(share(cell, mine[0])) if there else "")
                row.append(number(figures.ratio(mine[0]["times"], theirs[0]["times"])) if there and theirs else "")
            rows.append(row)
    return rows


def terminal_layers(table, cells):
    return f"\nconvolutions of {table}, share of peak\n" + "\n".join("  " + line for line in columns(layer_rows(table, cells), set(range(1, 8))))


def size(count):
    """kB of 1000 bytes, as numbers are here."""
    if not count:
        return "" if count is None else "0"
    unit, scale = ("GB", 1e9) if count >= 1e9 else ("MB", 1e6) if count >= 1e6 else ("kB", 1e3)
    return f"{number(count / scale)} {unit}"


def compiling_rows(cells):
    names = [k.split()[1] for k in cells if k.startswith("compile ")]
    names.sort(key=list(figures.NETWORKS).index)
    facts = [cells["compile " + n]["facts"] for n in names]
    took = lambda key: [duration(f[key]) if f.get(key) else "" for f in facts]
    rows = [[""] + names, ["cnnc to C"] + took("to C"), ["size of the C"] + [size(f["C bytes"]) for f in facts]]
    for compiler in ("gcc", "clang"):
        rows += [[f"{compiler} -O2 of it"] + took(compiler + " -O2"), [f"machine code by {compiler}"] + [size(f.get(compiler + " bytes")) for f in facts]]
    rows += [["cnnc to an object (LLVM)"] + took("to object"), ["machine code by LLVM"] + [size(f.get("object bytes")) for f in facts],
             ["compiled in memory (JIT)"] + took("JIT")]
    for program in ("train", "infer"):
        for i, what in enumerate(("scratch", "its lower bound", "shared")):
            rows.append([f"plan of {program}: {what}"] + [size(f[program + " plan"][i]) if program + " plan" in f else "" for f in facts])
    for task in ("train", "infer"):
        row = [f"peak memory of a process: {task}"]
        for name in names:
            found = [(int(k.split()[2]), r["memory"]) for k, c in cells.items() if k.startswith(f"{name} {task} ") for r in c["rows"] if r["who"] == "cnnc"]
            row.append(f"{size(1024 * min(m for b, m in found if b == max(found)[0]))} (batch {max(found)[0]})" if found else "")
        rows.append(row)
    return [row for row in rows if any(row[1:])]


def terminal_compiling(cells):
    return "\ncompiling\n" + "\n".join("  " + line for line in columns(compiling_rows(cells), set(range(1, 1 + len(figures.NETWORKS)))))


# ---- the page

def markdown(rows, right=()):
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("--:" if i in right else "---" for i in range(len(head))) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body])


def keys_of(kept):
    order = {net: i for i, net in enumerate(figures.NETWORKS)}
    keys = [k for k in kept["cells"] if k.split()[0] in order]
    return sorted(keys, key=lambda k: (order[k.split()[0]], k.split()[1] != "train", int(k.split()[2])))


def summary(kept):
    rows = [["", "cnnc, best", "images a second", "share of peak", "aim", "rival, best", "times as fast", "aim"]]
    for key in keys_of(kept):
        cell = kept["cells"][key]
        mine, against = best(cell, "cnnc"), rival(key, cell)
        if not mine:
            continue
        ratio, part = GOALS.get(key, (None, None))
        value = figures.ratio(mine["times"], against["times"]) if against else None
        reached = value is not None and ratio is not None and value >= ratio
        rows.append([title(key), mine["how"], number(1 / figures.median(mine["times"])), percent(share(cell, mine)), percent(part),
                     f"{against['who']}, {against['how']}" if against else "",
                     f"**{number(value)}**" if reached else number(value) if against else "", f"{ratio:g}" if ratio else ""])
    return markdown(rows, {2, 3, 4, 6, 7})


def network(kept, net):
    """A row a contestant, two columns a cell: time of an image, share of peak."""
    keys = [k for k in keys_of(kept) if k.split()[0] == net]
    names = {"train": "train {}", "infer": "infer {}"}
    head = ["", ""] + [names[k.split()[1]].format(k.split()[2]) for k in keys]
    found = {}
    for key in keys:
        for row in kept["cells"][key]["rows"]:
            if row["who"] in WHO:
                part = share(kept["cells"][key], row)
                found.setdefault((row["who"], row["how"]), {})[key] = duration(figures.median(row["times"])) + (f" ({percent(part)})" if part else "")
    order = sorted(found, key=lambda f: (WHO.index(f[0]),))
    return markdown([head] + [[who, how] + [found[who, how].get(k, "") for k in keys] for who, how in order], set(range(2, len(head))))


def conditions(kept):
    rows = [["piece", "cnnc's commit", "measured on", "processor, core", "peak, GFLOP/s", "rounds", "load before"]]
    for piece, c in sorted(kept["conditions"].items()):
        cells = [v for v in kept["cells"].values() if v["piece"] == piece]
        peaks = {}
        for cell in cells:
            for row in times_of(cell, "peak"):
                peaks.setdefault(row["how"], []).extend(1 / t for t in row["times"])
        rows.append([piece, c["commit"], c["date"], f"{c['processor']}, {c['core']}", ", ".join(f"{k} {number(figures.median(v))}" for k, v in peaks.items()),
                     f"{c['rounds']} of {c['seconds']:g} s", f"{c['load']:g}"])
    versions = {}
    for c in kept["conditions"].values():
        for name, version in c["versions"].items():
            versions.setdefault(name, version)
    text = markdown(rows) + "\n\n" + "\n".join(f"- {name}: {version}" for name, version in versions.items())
    missing = sorted({why for c in kept["conditions"].values() for why in c["missing"]})
    return text + "".join(f"\n- missing: {why}" for why in missing)


def parts(kept):
    found = {"summary": summary(kept), "conditions": conditions(kept)} if kept["cells"] else {}
    for net in figures.NETWORKS:
        if any(k.split()[0] == net for k in keys_of(kept)):
            found[net] = network(kept, net)
    for table in figures.LAYERS:
        rows = layer_rows(table, kept["cells"])
        if len(rows) > 1:
            found[table] = markdown(rows, set(range(1, 8)))
    if any(k.startswith("threads ") for k in kept["cells"]):
        found["threads"] = markdown(threads_rows(kept["cells"]), {1, 2, 3, 4})
    if any(k.startswith("compile ") for k in kept["cells"]):
        found["compile"] = markdown(compiling_rows(kept["cells"]), set(range(1, 1 + len(figures.NETWORKS))))
    return found


def page(text, kept):
    """The page with its generated parts anew; each stands between <!-- bench: NAME --> and <!-- end -->."""
    made = parts(kept)

    def part(match):
        return match.group(1) + made.get(match.group(2), "Not measured yet.") + "\n" + match.group(3)
    return re.sub(r"(<!-- bench: (\w+) -->\n).*?(<!-- end -->)", part, text, flags=re.S)


# ---- the picture

def picture(kept):
    """Bars of images a second relative to PyTorch, a group a cell, on a scale of powers of two."""
    import math
    bars = []
    for key in keys_of(kept):
        cell = kept["cells"][key]
        base = best(cell, "PyTorch")
        if base:
            bars.append((title(key), [(who, figures.ratio(best(cell, who)["times"], base["times"])) for who in COLOURS if best(cell, who)]))
    if not bars:
        bars = [("not measured yet", [])]
    low = min([0.5] + [v for _, group in bars for _, v in group])
    high = max([2.0] + [v for _, group in bars for _, v in group])
    first, last = math.floor(math.log2(low)), math.ceil(math.log2(high))
    left, width, bar, gap, top = 250, 600, 14, 14, 64
    x = lambda value: left + width * (math.log2(value) - first) / (last - first)
    height = top + sum(len(g) * bar + gap for _, g in bars) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 70} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="100%" height="100%" fill="#ffffff"/>',
           '<text x="16" y="24" font-size="15" font-weight="bold" fill="#222222">Images a second on one core, as multiples of PyTorch at its best</text>']
    at = 16
    for who, colour in COLOURS.items():
        out.append(f'<rect x="{at}" y="36" width="12" height="12" fill="{colour}"/><text x="{at + 18}" y="46" fill="#222222">{who}</text>')
        at += 40 + 8 * len(who)
    for power in range(first, last + 1):
        place = x(2 ** power)
        label = "PyTorch" if power == 0 else f"{2 ** power}" if power >= 0 else f"1/{2 ** -power}"
        colour = "#d9663a" if power == 0 else "#dddddd"
        out.append(f'<line x1="{place:.1f}" y1="{top - 6}" x2="{place:.1f}" y2="{height - 24}" stroke="{colour}"/>'
                   f'<text x="{place:.1f}" y="{height - 8}" text-anchor="middle" fill="#555555">{label}</text>')
    y = top
    for label, group in bars:
        out.append(f'<text x="{left - 10}" y="{y + len(group) * bar / 2 + 4:.1f}" text-anchor="end" fill="#222222">{label}</text>')
        for who, value in group:
            a, b = sorted((x(1), x(value)))
            out.append(f'<rect x="{a:.1f}" y="{y + 1}" width="{max(b - a, 1.5):.1f}" height="{bar - 2}" fill="{COLOURS[who]}"/>')
            out.append(f'<text x="{(b if value >= 1 else x(1)) + 5:.1f}" y="{y + 11}" font-size="11" fill="#222222">{number(value)}</text>')
            y += bar
        y += gap
    return "\n".join(out) + "\n</svg>\n"


def pages(top, kept, check=False):
    """Writes the page and the picture; with `check` gives back the files that would change."""
    path, svg = os.path.join(top, "docs/PERFORMANCE.md"), os.path.join(top, "docs/performance.svg")
    changed = []
    for file, make in ((path, lambda old: page(old, kept)), (svg, lambda old: picture(kept))):
        old = open(file).read() if os.path.exists(file) else ""
        new = make(old)
        if new != old:
            changed.append(file)
            if not check:
                with open(file, "w") as out:
                    out.write(new)
    return changed


if __name__ == "__main__":
    wrong = pages(TOP, read(os.path.join(HERE, "last.json")), "--check" in sys.argv[1:])
    if "--check" in sys.argv[1:] and wrong:
        sys.exit("these are not what tests/bench/last.json says (tests/bench/report.py writes them): " + ", ".join(wrong))
