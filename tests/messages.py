#!/usr/bin/env python3
"""Every message of the compiler has a golden file: the formats of error_at, complain, warning_at, note, help and fix_at in the sources against
tests/golden/messages/*.err (and the unit tests, for what a small file cannot provoke). What only the machine can provoke (no LLVM, no C compiler, a linker
that fails, a folder that cannot be made) is listed in MACHINE, with the files that say it; such a message is listed but does not fail.

    messages.py [ROOT]            lists the messages that no golden file shows; status 1 if there are errors or warnings among them, or
                                  some without a code in base/codes.c
    messages.py --self-test       proves that it can fail
"""
import pathlib
import re
import sys

CALLS = {"error_at": 2, "complain": 2, "warning_at": 3, "note": 1, "note_at": 2, "help": 1, "fix_at": 3}
STRICT = {"error_at", "complain", "warning_at"}
MACHINE = {"compiler/check.c", "compiler/emit/llvm_jit.c", "compiler/emit/llvm_machine.c", "compiler/emit/native.c", "compiler/integrate/formatter.c", "compiler/tune.c"}


def arguments(text, start):
    """The arguments of the call whose '(' stands at start, as texts."""
    depth, begin, result, i = 0, start + 1, [], start
    while i < len(text):
        c = text[i]
        if c in "\"'":
            i += 1
            while text[i] != c:
                i += 2 if text[i] == "\\" else 1
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                return result + [text[begin:i]]
        elif c == "," and depth == 1:
            result.append(text[begin:i])
            begin = i + 1
        i += 1
    return result


def literals(argument):
    """The strings of a format argument: adjacent ones are one, both sides of ?: are two."""
    argument = re.sub(r'%"\s*PRI[diu]64\s*"', "%lld", argument)
    result, last = [], None
    for m in re.finditer(r'"((?:[^"\\]|\\.)*)"', argument):
        between = argument[last:m.start()].strip() if last is not None else None
        text = re.sub(r"\\(.)", r"\1", m.group(1))
        if between == "":
            result[-1] += text
        else:
            result.append(text)
        last = m.end()
    return result


def pieces(fmt):
    """What a format prints: its words as they are, None for each value."""
    parts = re.split(r"(%%|%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j)?[a-zA-Z])", fmt)
    return ["%" if p == "%%" else None if p.startswith("%") and len(p) > 1 else p for p in parts]


def is_shown(fmt, lines):
    """Does one of the lines say what the format prints? Most lines are told by the longest of its words; only the others are matched."""
    parts = pieces(fmt)
    longest = max((p for p in parts if p is not None), key=len)
    expected = re.compile("".join(".*?" if p is None else re.escape(p) for p in parts))
    return any(longest in line and expected.search(line) for line in lines)


def messages(root):
    """(function, format, file, line) of every message."""
    for path in sorted([*root.glob("compiler/**/*.c"), *root.glob("grammar/*.[ly]")]):
        text = path.read_text()
        code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
        for m in re.finditer(r"\b(" + "|".join(CALLS) + r")\(", code):
            args = arguments(code, m.end() - 1)
            place = CALLS[m.group(1)]
            if len(args) <= place or args[0].strip().startswith(("Unit *", "const Unit *", "Parse *")):
                continue
            for fmt in literals(args[place]):
                # A bare "%s" says nothing, and mistakes of ours have no network that shows them.
                if len(re.sub(r"%\S*|\W", "", fmt)) >= 3 and "internal error" not in fmt and "mistake of cnnc" not in fmt:
                    yield m.group(1), fmt, path.relative_to(root), code.count("\n", 0, m.start()) + 1


def plain(fmt):
    """A format without the length letters of its conversions."""
    return re.sub(r"%([-+ #0.\d*]*)(?:hh|h|ll|l|z|j)?([a-zA-Z%])", r"%\1\2", fmt)


def families(root):
    """(code, beginning of a format) of every row of base/codes.c."""
    path = root / "compiler/base/codes.c"
    text = path.read_text() if path.exists() else ""
    for m in re.finditer(r'\{ "(E\d\d\d)",((?:(?!\n    \{).)*?)\{ ((?:"(?:[^"\\]|\\.)*"[,\s]*)+)\} \}', text, re.S):
        for s in re.findall(r'"((?:[^"\\]|\\.)*)"', m.group(3)):
            yield m.group(1), re.sub(r"\\(.)", r"\1", s)


def check_codes(root):
    """Every error belongs to a family; families list nothing that nobody says, and no code stands twice. No warning is left out."""
    rows, used, bad = list(families(root)), set(), 0
    for function, fmt, path, line in messages(root):
        if function not in STRICT or function == "warning_at":
            continue
        fits = [r for r in rows if plain(fmt).startswith(plain(r[1]))]
        longest = max((len(r[1]) for r in fits), default=0)
        best = {r for r in fits if len(r[1]) == longest}
        used |= best
        if len(best) != 1:
            bad += 1
            print(f"{path}:{line}: {'several codes' if best else 'no code in base/codes.c'} for: {fmt}")
    for code, beginning in rows:
        if (code, beginning) not in used and code != "E099":
            bad += 1
            print(f"base/codes.c: {code} lists what nobody says: {beginning}")
    names = re.findall(r'^    \{ "([-\w]+)"', (root / "compiler/base/codes.c").read_text(), re.M)
    bad += len(names) - len(set(names))
    warnings = root / "compiler/base/warning.c"
    for name in re.findall(r'\] += \{ "([-\w]+)"', warnings.read_text() if warnings.exists() else ""):
        if name not in names:
            bad += 1
            print(f"base/codes.c: nothing about the warning {name}")
    print(f"lint: {len(names)} codes, {bad} mistakes")
    return bad == 0 and len(names) > 0


def check(root):
    shown = "\n".join(p.read_text(errors="replace") for p in sorted(root.glob("tests/golden/messages/*.err")))
    shown += "\n".join(p.read_text() for p in sorted([*root.glob("tests/unit/*.c"), *root.glob("tests/golden/inspect/*.err")]))
    lines = shown.split("\n")
    count = missing = soft = 0
    for function, fmt, path, line in messages(root):
        count += 1
        if is_shown(fmt, lines):
            continue
        if function in STRICT and str(path) not in MACHINE:
            missing += 1
            print(f"{path}:{line}: no golden file shows: {fmt}")
        else:
            soft += 1
            print(f"{path}:{line}: (a {function}) no golden file shows: {fmt}")
    print(f"lint: {count} messages, {missing} errors or warnings and {soft} notes or helps without a golden file")
    return count > 0 and missing == 0


def self_test():
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "compiler/net").mkdir(parents=True)
        (root / "tests/golden/messages").mkdir(parents=True)
        (root / "compiler/net/a.c").write_text('void f(void) { error_at(u, s, "a %s is no %lld,"\n    " %d%% of it", x, y, g(1, ")")); }\n')
        err = root / "tests/golden/messages/a.err"
        err.write_text("a.cnn:1:1: error: a fish is no 12, 5% of it\n")
        found = check(root)
        err.write_text("a.cnn:1:1: error: something else\n")
        lost = check(root)
        codes = root / "compiler/base/codes.c"
        codes.parent.mkdir()
        codes.write_text('    { "E001", "t", "x", { "a %s is no" } },\n')
        found = found and check_codes(root)
        codes.write_text('    { "E001", "t", "x", { "a %s is not" } },\n')
        lost = lost or check_codes(root)
    return found and not lost


if __name__ == "__main__":
    if sys.argv[1:2] == ["--self-test"]:
        sys.exit(0 if self_test() else 1)
    top = pathlib.Path(sys.argv[1] if sys.argv[1:] else pathlib.Path(__file__).parent.parent)
    sys.exit(0 if all([check_codes(top), check(top)]) else 1)
