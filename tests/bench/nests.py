#!/usr/bin/env python3
"""nests.py [options] A.c [B.c] [NEST...]: each nest of one C file against the same nest of another, call by call in one process.

    --cc=COMMAND      what compiles A.c (gcc -O3 -march=native)
    --other=COMMAND   what compiles B.c, if not the same; without B.c it compiles A.c too
    --turns=N         of each (200)        --core=N   pinned to that core

For a machine whose speed changes by the minute: turns of 60 microseconds that follow each other meet the same one, and the median of their ratios is good
to a few per cent where whole programs differ by thirty. Without names: the nests whose code differs, or all of them by two compilers. Each nest works on its
own memory, which the nearest caches hold where it fits. A ratio above 1: B is faster; in brackets the middle half of the ratios."""
import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# Functions of the file are to be seen from outside, and inlined as if they were not.
OPEN = ["-w", "-fPIC", "-shared", "-fno-semantic-interposition", "-Dstatic=", "-Dinline=__inline__ __attribute__((no_instrument_function, gnu_inline))",
        "-I", os.path.join(TOP, "runtime/include"), "-Wl,-Bsymbolic", "-Wl,--unresolved-symbols=ignore-all"]

DRIVER = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PLACES = 8, COUNT = 4 << 20 };           /* arguments of a nest at most; floats of each: 16 MiB */
static const double TURN = 60e-6;               /* seconds */
static double took[2][TURNS], ratio[TURNS];
static float *p[PLACES];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void show(const char *name)
{
    for (int i = 0; i < TURNS; i++)
        ratio[i] = took[0][i] / took[1][i];
    qsort(ratio, TURNS, sizeof *ratio, by_size);
    for (int v = 0; v < 2; v++)
        qsort(took[v], TURNS, sizeof **took, by_size);
    printf("%-28s %10.3f %10.3f %10.3f %10.3f %7.3f  (%.3f to %.3f)\n", name, 1e6 * took[0][TURNS / 2], 1e6 * took[1][TURNS / 2], 1e6 * took[0][0],
           1e6 * took[1][0], ratio[TURNS / 2], ratio[TURNS / 4], ratio[3 * TURNS / 4]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    void *file[] = { dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), dlopen(argv[2], RTLD_NOW | RTLD_LOCAL) };
    if (argc != 3 || !file[0] || !file[1])
        return fprintf(stderr, "nests: error: %s\n", dlerror()), 1;
    for (int i = 0; i < PLACES; i++) {
        p[i] = aligned_alloc(4096, COUNT * sizeof **p);
        for (int j = 0; p[i] && j < COUNT; j++)
            p[i][j] = (float)(j % 7) * 0.01f;
    }
    printf("%-28s %10s %10s %10s %10s %7s\n", "us a call", "A", "B", "least A", "least B", "A / B");
"""

NEST = r"""
    {
        void (*nest[])(%(types)s) = { dlsym(file[0], "%(name)s"), dlsym(file[1], "%(name)s") };
        if (nest[0] && nest[1]) {
            for (int v = 0; v < 2; v++)
                nest[v](%(values)s);
            double begun = now();
            nest[0](%(values)s);
            int calls = (int)(TURN / (now() - begun + 1e-9)) + 1;
            for (int i = 0; i < 2 * TURNS; i++) {
                int v = (i ^ i / 2) & 1;        /* A B B A */
                begun = now();
                for (int k = 0; k < calls; k++)
                    nest[v](%(values)s);
                took[v][i / 2] = (now() - begun) / calls;
            }
            show("%(name)s");
        }
    }
"""


def nests(path):
    """The code of each nest, by its name."""
    with open(path, encoding="utf-8") as file:
        return {m.group(1): m.group(0) for m in re.finditer(r"^NEST static void (\w+)\(.*?^}\n", file.read(), re.M | re.S)}


def call(name, code):
    """A call of it: arrays are places in memory, numbers (the image, the band) are 0."""
    arguments = re.sub(r"\s+", " ", re.match(r"NEST static void \w+\((.*?)\)\s*\{", code, re.S).group(1)).split(", ")
    is_array = ["[" in a or "*" in a for a in arguments]
    if len(arguments) > 8:
        return ""
    return NEST % {"name": name, "types": ", ".join("float *" if a else "long" for a in is_array),
                   "values": ", ".join(f"p[{i}]" if a else "0" for i, a in enumerate(is_array))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("--cc", default="gcc -O3 -march=native", help=argparse.SUPPRESS)
    parser.add_argument("--other", help=argparse.SUPPRESS)
    parser.add_argument("--turns", type=int, default=200, help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="+", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    files = [w for w in wish.words if w.endswith(".c")]
    names = [w for w in wish.words if not w.endswith(".c")]
    if len(files) not in (1, 2) or wish.turns < 4:
        sys.exit(__doc__)
    commands = [wish.cc, wish.other or wish.cc]
    files = (files * 2)[:2]
    if missing := [f for f in files if not os.path.exists(f)]:
        sys.exit(f"nests.py: error: {missing[0]} was not found")
    a, b = map(nests, files)
    chosen = [n for n in a if n in b and (n in names if names else a[n] != b[n] or commands[0] != commands[1])]
    if missing := [n for n in names if n not in chosen]:
        sys.exit(f"nests.py: error: no nest '{missing[0]}' in both files")
    if not chosen:
        sys.exit("nests.py: the nests of both files are the same")
    if wish.core is not None:
        os.sched_setaffinity(0, {wish.core})
    with tempfile.TemporaryDirectory() as out:
        shared = [os.path.join(out, f"{i}.so") for i in (0, 1)]
        for command, path, to in zip(commands, files, shared):
            if subprocess.run(shlex.split(command) + OPEN + [path, "-o", to, "-lm"]).returncode:
                sys.exit(f"nests.py: error: '{command}' does not compile {path}")
        driver = os.path.join(out, "driver")
        with open(driver + ".c", "w", encoding="utf-8") as file:
            file.write(f"enum {{ TURNS = {wish.turns} }};" + DRIVER + "".join(call(n, a[n]) for n in chosen) + "    return 0;\n}\n")
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", driver + ".c", "-o", driver, "-ldl"], check=True)
        sys.exit(subprocess.run([driver, *shared]).returncode)


if __name__ == "__main__":
    main()
