#!/usr/bin/env python3
"""docs.py CNNC LIBCNN.so [--update] [PAGE...]: what the pages show is what the programs do.

A comment in front of a fenced block says what the block is:

    <!-- PATH -->                       the whole file of that path
    <!-- cnnc PATH: FUNCTION ... -->    these functions of its C in style lesson, with the comments above them
    <!-- file NAME -->                  a file for the commands of this page
    <!-- checks -->                     a program that the compiler accepts without a word
    <!-- needs THING ... -->            a session that is left out, with a word, where a THING is not there: a public set of data; on the
                                        first line of the page, for all of its sessions; `llvm` is a cnnc that was built with LLVM

    <!-- file NAME
    ... -->                            the same, not shown

and a block of the kind `console` is a session: every line after `$ ` is run by sh in a folder of its own, with cnnc in the PATH and
libcnn to be linked by -lcnn, and must print the lines that follow it. `...` there stands for any text: times, most of all.
Links to files lead to files.
A page of examples/ is in its own folder when its sessions run, in a copy of examples/; tables (.csv) and drawings (.svg) that they write
there must be those that the folder has.

--update rewrites what the first two show, and the output of sessions but for lines with `...` that fit; the difference is then
reviewed with git.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = ["README.md", "docs/LANGUAGE.md", "docs/TRAINING.md", "docs/ABI.md", "docs/INSPECT.md", "examples/README.md"]
DATA = {"mnist": ["mnist", "MNIST", "MNIST/raw"], "fashion_mnist": ["fashion_mnist", "fashion-mnist", "FashionMNIST", "FashionMNIST/raw"]}
BLOCK = re.compile(r"(?:^<!-- (?P<what>[^\n]*) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


NEEDS = re.compile(r"<!-- needs (?P<things>[^\n]*) -->\n(?!```)")
LINK = re.compile(r"\]\((?P<to>[^)#:\s]+)(?:#[^)]*)?\)")
HIDDEN = re.compile(r"^<!-- file (?P<name>\S+)\n(?P<text>.*?)^-->$", re.M | re.S)


class Page:
    def __init__(self, path, cnnc, library, update):
        self.path, self.cnnc, self.update = path, cnnc, update
        self.passed = self.failed = self.skipped = 0
        self.temporary = self.folder = tempfile.mkdtemp(prefix="docs.")
        if path.startswith("examples/"):
            shutil.copytree(os.path.join(TOP, "examples"), os.path.join(self.temporary, "examples"), ignore=shutil.ignore_patterns("*.safetensors"))
            self.folder = os.path.join(self.temporary, os.path.dirname(path))
        self.missing = []               # what the whole page needs
        self.environment = dict(os.environ, PATH=os.path.dirname(cnnc) + os.pathsep + os.environ["PATH"], LC_ALL="C", NO_COLOR="1",
                                C_INCLUDE_PATH=os.path.join(TOP, "runtime/include"), LIBRARY_PATH=os.path.dirname(library), LD_LIBRARY_PATH=os.path.dirname(library))
        if data_root():
            self.environment["CNN_DATA"] = data_root()

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def fail(self, label, text):
        self.failed += 1
        print(f"FAIL {self.path}: {label}\n{text}")

    def same(self, label, want, got, rewrite=True):
        """The text that the block should have."""
        if want == got:
            self.passed += 1
        elif self.update and rewrite:
            print(f"updated {self.path}: {label}")
        else:
            self.fail(label, "  the page:\n" + indent(want) + "  now:\n" + indent(got))
        return got if self.update and rewrite else want

    def run(self, command):
        return subprocess.run(["sh", "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120).stdout

    def functions(self, what, text):
        path, names = what[len("cnnc "):].split(":")
        done = subprocess.run([self.cnnc, "--style=lesson", os.path.join(TOP, path), "-o", "-"], capture_output=True, text=True)
        if done.returncode:
            self.fail(what, indent(done.stderr))
            return text
        found = [function_of(done.stdout, name) for name in names.split()]
        return self.same(what, text, "\n".join(found))

    def session(self, label, text):
        """Runs the commands of a block; gives back what it should say."""
        parts = re.split(r"^\$ ", text, flags=re.M)[1:]
        now = ""
        for part in parts:
            command, _, wanted = part.partition("\n")
            while command.endswith("\\"):
                more, _, wanted = wanted.partition("\n")
                command += "\n" + more
            got = self.run(command)
            now += "$ " + command + "\n" + (wanted if fits(wanted, got) else merged(wanted, got) if self.update else got)
        return self.same(label, text, now)

    def lacks(self, things):
        """Those of the things that are not there."""
        return [thing for thing in things if not (has_llvm(self.cnnc) if thing == "llvm" else data_root(thing))]

    def block(self, match):
        what, kind, text = match["what"] or "", match["kind"], match["text"]
        label = what or "session " + text.split("\n")[0]
        if kind == "console":
            missing = self.missing or (self.lacks(what.split()[1:]) if what.startswith("needs ") else [])
            if missing:
                self.skipped += 1
                print(f"skip {self.path}: {text.split(chr(10))[0]}: {', '.join(missing)} is not there")
            else:
                text = self.session(label, text)
        elif what.startswith("cnnc "):
            text = self.functions(what, text)
        elif what.startswith("file "):
            self.write(what[len("file "):], text)
        elif what == "checks":
            self.write("checks.cnn", text)
            done = subprocess.run([self.cnnc, os.path.join(self.folder, "checks.cnn")], capture_output=True, text=True)
            self.same("a program that checks", "", done.stderr, False)
        elif what:
            with open(os.path.join(TOP, what)) as file:
                text = self.same(what, text, file.read())
        head = f"<!-- {what} -->\n" if what else ""
        return f"{head}```{kind}\n{text}```"

    def check(self):
        path = os.path.join(TOP, self.path)
        with open(path) as file:
            old = file.read()
        for link in LINK.finditer(BLOCK.sub("", old)):
            there = os.path.exists(os.path.join(os.path.dirname(path), link["to"]))
            self.same(f"the link to {link['to']}", "it is there\n", "it is there\n" if there else "it is not there\n", False)
        whole = NEEDS.match(old)
        self.missing = self.lacks(whole["things"].split()) if whole else []
        for hidden in HIDDEN.finditer(old):
            self.write(hidden["name"], hidden["text"])
        new = BLOCK.sub(self.block, old)
        if new != old:
            with open(path, "w") as file:
                file.write(new)
        if not self.missing:
            self.measurements()
        shutil.rmtree(self.temporary)

    def measurements(self):
        """Tables and drawings of the page's folder, which its sessions may have written anew."""
        for now in sorted(glob.glob(os.path.join(self.folder, "*.csv")) + glob.glob(os.path.join(self.folder, "*.svg"))):
            was = os.path.join(TOP, os.path.dirname(self.path), os.path.basename(now))
            if not self.path.startswith("examples/") or not os.path.exists(was):
                continue
            with open(was) as old, open(now) as new:
                want, got = old.read(), new.read()
            self.same(os.path.basename(now), want, got)
            if self.update:
                shutil.copyfile(now, was)


def fits(wanted, got):
    """Whether a text is the wanted one, in which "..." stands for anything. Each piece is looked for behind the one before: a regular
    expression would try every way to place them."""
    if wanted == got:
        return True
    first, *middle, last = wanted.split("...") if "..." in wanted else (wanted, "")
    if "..." not in wanted or not got.startswith(first) or not got.endswith(last):
        return False
    at, end = len(first), len(got) - len(last)
    for piece in middle:
        at = got.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return at <= end


def merged(wanted, got):
    """What was got, but lines with "..." stay where they fit the line, or the lines before the next one that is there again."""
    lines, left, some = [], got.splitlines(keepends=True), False
    for line in wanted.splitlines(keepends=True):
        if line == "...\n":
            some = True
            continue
        at = next((i for i, now in enumerate(left) if fits(line, now)), None)
        if at is not None:
            lines += (["...\n"] if some else left[:at]) + [line]
            left, some = left[at + 1:], False
    return "".join(lines + (["...\n"] if some else left))


def has_llvm(cnnc):
    return re.search(r"LLVM \d", subprocess.run([cnnc, "--version"], stdout=subprocess.PIPE, text=True).stdout) is not None


def data_root(name=None):
    """The first folder for data sets that has the training images of this one, or of any."""
    folders = DATA[name] if name else sum(DATA.values(), [])
    for root in (os.environ.get("CNN_DATA"), os.path.join(TOP, "data"), os.path.join(TOP, "../shared/data")):
        if root and any(glob.glob(os.path.join(glob.escape(root), folder, "train-images*")) for folder in folders):
            return os.path.realpath(root)
    return None


def indent(text):
    return "".join("    " + line + "\n" for line in text.splitlines())


def function_of(text, name):
    """The C function with the comment above it."""
    found = re.search(rf"^/\*(?:(?!\*/).)*\*/\nstatic void {re.escape(name)}\(.*?^}}\n", text, re.M | re.S)
    return found[0] if found else f"there is no function {name}\n"


def main():
    words = [w for w in sys.argv[1:] if w != "--update"]
    if len(words) < 2:
        sys.exit(__doc__)
    update, paths = "--update" in sys.argv, words[2:] or PAGES
    pages = [Page(path, os.path.abspath(words[0]), os.path.abspath(words[1]), update) for path in paths]
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("CNNC_JOBS") or os.cpu_count() or 1)) as pool:
        list(pool.map(Page.check, pages))
    passed, failed, skipped = (sum(getattr(page, count) for page in pages) for count in ("passed", "failed", "skipped"))
    print(f"docs: {passed} passed, {failed} failed" + (f", {skipped} sessions need what is not there" if skipped else ""))
    sys.exit(failed > 0)


main()
