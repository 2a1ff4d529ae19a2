"""contest.py: contestants, and rounds in which each has its turn (the lines that they speak are in worker.h)."""
import os
import select
import subprocess

# One thread for everybody. glibc is told to keep the memory that PyTorch frees after each step: otherwise every step pays for fresh pages.
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", LC_ALL="C",
                   MALLOC_MMAP_THRESHOLD_="4294967296", MALLOC_TRIM_THRESHOLD_="4294967296", MALLOC_TOP_PAD_="268435456")
PATIENCE = 280                  # seconds for one turn


class Lost(Exception):
    """A contestant that cannot go on; the text is why."""


class Contestant:
    """`who` is cnnc, PyTorch, ...; `how` its configuration; `peak` the name of the peak that it is measured by; `images` those of one call."""

    def __init__(self, who, how, argv, images=1, peak=None, environment=None):
        self.who, self.how, self.argv, self.images, self.peak = who, how, argv, images, peak
        self.environment = dict(ENVIRONMENT, **(environment or {}))
        self.process = None
        self.times, self.parts, self.memory, self.said, self.lost = [], [], 0, [], None

    def line(self, patience):
        """One line of it, which must come within `patience` seconds."""
        ready, _, _ = select.select([self.process.stdout], [], [], patience)
        if not ready:
            raise Lost(f"no answer within {patience} s")
        text = self.process.stdout.readline()
        if not text:
            raise Lost(f"ended with status {self.process.wait()}: {self.errors()}")
        if text.startswith("failed"):
            raise Lost(text[7:].strip())
        return text.split()

    def errors(self):
        text = self.process.stderr.read().strip() if self.process.stderr else ""
        return text.splitlines()[-1][:200] if text else "it said nothing"

    def start(self, core):
        argv = (["taskset", "-c", str(core)] if core is not None else []) + self.argv
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
                                        env=self.environment)
        self.said = self.line(PATIENCE)[1:]

    def order(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()

    def turn(self, seconds):
        self.order(seconds)
        return self.answer()

    def answer(self):
        time, _, memory, *parts = self.line(PATIENCE)
        self.memory = max(self.memory, int(memory))
        self.parts.append([float(p) for p in parts])
        return float(time)

    def end(self):
        if self.process:
            try:
                self.process.stdin.close()
                self.process.wait(10)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.process.stderr.close()
            self.process = None


class SideBySide(Contestant):
    """The same program on several cores at once, which know nothing of each other: what the machine gives to as many threads. The time of an
    image is that of all of them together."""

    def __init__(self, who, how, argv, images, cores):
        super().__init__(who, how, argv, images)
        self.all = [(Contestant(who, how, argv, images), core) for core in cores]

    def start(self, core):
        for c, core in self.all:
            c.start(core)
        self.process, self.said = self.all[0][0].process, self.all[0][0].said

    def turn(self, seconds):
        for c, _ in self.all:
            c.order(seconds)
        together = 1 / sum([1 / c.answer() for c, _ in self.all])
        self.memory = sum(c.memory for c, _ in self.all)
        return together

    def end(self):
        for c, _ in self.all:
            c.end()
        self.process = None


def race(contestants, rounds, seconds, core=None, together=True, tell=print):
    """Every contestant takes one turn of about `seconds` in every round, the order turned round from one round to the next. `together`: all of
    them stay in memory; else each starts anew for its turn. Afterwards all who did not fail have `rounds` times."""
    for number in range(rounds):
        for c in contestants if number % 2 == 0 else list(reversed(contestants)):
            if c.lost:
                continue
            try:
                if not c.process:
                    c.start(core)
                c.times.append(c.turn(seconds))
            except (Lost, OSError, ValueError) as why:
                c.lost = str(why)
                tell(f"skip  {c.who} {c.how}: {c.lost}")
                c.end()
            if not together:
                c.end()
    for c in contestants:
        c.end()
    return [c for c in contestants if not c.lost]
