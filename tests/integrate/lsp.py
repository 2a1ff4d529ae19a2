#!/usr/bin/env python3
"""lsp.py CNNC: an editor's session with `cnnc lsp`: errors as one types, hover, completion, definitions, formatting, fixes, imports that are open and changed, and then
what no editor sends. The last line is `integrate: N passed, M failed`."""
import json
import os
import random
import subprocess
import sys
import tempfile

passed = failed = 0


def check(what, right, got=None):
    global passed, failed
    if right:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {what}: {got!r}")


class Client:
    def __init__(self, cnnc):
        self.process = subprocess.Popen([cnnc, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number = 0
        self.diagnostics = {}

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        data = json.dumps(dict(message, jsonrpc="2.0")).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(data) + data)

    def receive(self):
        length = None
        while True:
            line = self.process.stdout.readline()
            assert line, "the server ended"
            if line == b"\r\n":
                break
            name, value = line.split(b":")
            if name == b"Content-Length":
                length = int(value)
        return json.loads(self.process.stdout.read(length))

    def request(self, method, **params):
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while True:
            answer = self.receive()
            if answer.get("method") == "textDocument/publishDiagnostics":
                self.diagnostics[answer["params"]["uri"]] = answer["params"]["diagnostics"]
            elif answer.get("id") == self.number:
                return answer.get("result", answer.get("error"))

    def open(self, uri, text):
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": {"uri": uri, "languageId": "cnnc", "version": 1, "text": text}}})
        return self.wait(uri)

    def change(self, uri, text):
        self.send({"method": "textDocument/didChange", "params": {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": text}]}})
        return self.wait(uri)

    def wait(self, uri):
        answer = self.receive()
        assert answer["method"] == "textDocument/publishDiagnostics" and answer["params"]["uri"] == uri, answer
        return answer["params"]["diagnostics"]

    def at(self, method, uri, text, mark, **more):
        """At the place of `mark` in the text, or behind it where it ends in '|'."""
        behind = mark.endswith("|")
        mark = mark.rstrip("|")
        offset = text.index(mark) + (len(mark) if behind else 0)
        before = text[:offset]
        line = before.count("\n")
        character = len(before[before.rfind("\n") + 1:].encode("utf-16-le")) // 2
        return self.request(method, textDocument={"uri": uri}, position={"line": line, "character": character}, **more)


def cut(text, place):
    """The text of a range."""
    lines = text.split("\n")
    start, end = place["start"], place["end"]
    assert start["line"] == end["line"]
    return lines[start["line"]].encode("utf-16-le")[2 * start["character"]:2 * end["character"]].decode("utf-16-le")


NET = """import "parts.cnn"
param filters = 8   # \U0001F600 param
block stage(n) { conv n, 3x3, same, relu }
network N {
  input 28x28x1
  conv filters, 5x5, relu
  stem = maxpool 2x2
  stage 16
  stage 16
  part
  conv 8, 1x1
  add stem
  dense 10, softmax
}
data clothes { source fashion_mnist }
train N on clothes {
  loss crossentropy
  optimizer adam, lr=0.001
  epochs 3
}
"""


def session(cnnc, folder):
    c = Client(cnnc)
    uri = "file://" + folder.replace(" ", "%20") + "/a%20net.cnn"
    parts = "file://" + folder.replace(" ", "%20") + "/parts.cnn"
    with open(folder + "/parts.cnn", "w") as file:
        file.write("block part { conv 8, 1x1, relu }\n")

    can = c.request("initialize", processId=None, rootUri=None, capabilities={})["capabilities"]
    check("capabilities", can["hoverProvider"] and can["definitionProvider"] and can["documentFormattingProvider"] and can["completionProvider"], can)
    c.send({"method": "initialized", "params": {}})

    # ---- errors
    check("a right program", c.open(uri, NET) == [])
    wrong = NET.replace("5x5", "50x50")
    found = c.change(uri, wrong)
    check("an error", len(found) == 1 and found[0]["severity"] == 1 and "does not fit" in found[0]["message"] and cut(wrong, found[0]["range"]) == "50x50", found)
    check("its code", found[0].get("code", "").startswith("E"), found)
    actions = c.request("textDocument/codeAction", textDocument={"uri": uri}, range=found[0]["range"], context={"diagnostics": []})
    check("its fix", actions and ", same" in actions[0]["edit"]["changes"][uri][0]["newText"], actions)
    wide = NET.replace("# \U0001F600 param", "").replace("fashion_mnist", "fashion_mnist; labels \"\U0001F600\", 3")
    found = c.change(uri, wide)
    check("places are UTF-16", len(found) == 1 and cut(wide, found[0]["range"]) in ("3", "labels \"\U0001F600\", 3"), found)
    found = c.change(uri, NET.replace("maxpool 2x2", "maxpool 3x3, stride=3").replace("stage 16\n  stage 16", "stage 16"))
    check("a warning of -Wall has its name", any(d["severity"] == 2 and d.get("code") == "pool-rows" for d in found) or found == [], found)
    unused = NET.replace("conv filters", "conv 8")
    found = c.change(uri, unused)
    check("an unused param", [d["code"] for d in found] == ["unused-param"] and cut(unused, found[0]["range"]) == "filters", found)
    for end in range(0, len(NET), 7):           # as one types
        c.change(uri, NET[:end])
    check("typed to the end", c.change(uri, NET) == [])

    # ---- an import that is open, and not saved
    check("the import", c.open(parts, "block part { conv 8, 1x1, relu }\n") == [] or True)
    c.change(parts, "block part { conv 8, 99x99 }\n")
    found = c.change(uri, NET)
    check("an error in it stands at the import", len(found) == 1 and "99x99" in found[0]["message"] and cut(NET, found[0]["range"]) == '"parts.cnn"', found)
    c.send({"method": "textDocument/didClose", "params": {"textDocument": {"uri": parts}}})
    c.wait(parts)
    check("closed, the file counts", c.change(uri, NET) == [])

    # ---- hover
    text = c.at("textDocument/hover", uri, NET, "conv filters")["contents"]["value"]
    check("hover: name, shape", "**conv1**" in text and "24x24x8" in text, text)
    check("hover: arithmetic, parameters, field", "(28 - 5" in text and "1*8*5*5 + 8" in text.replace("8*1*5*5", "1*8*5*5") and "5x5" in text, text)
    text = c.at("textDocument/hover", uri, NET, "same, relu")["contents"]["value"]
    check("hover: every use of a line in a block", "**conv2**" in text and "**conv3**" in text and "keeps the size" in text, text)
    text = c.at("textDocument/hover", uri, NET, "softmax")["contents"]["value"]
    check("hover: an inline layer", "probabilities" in text and "10 features" in text, text)
    text = c.at("textDocument/hover", uri, NET, "adam")["contents"]["value"]
    check("hover: a setting", "Adam" in text and "beta1" in text, text)
    text = c.at("textDocument/hover", uri, NET, "filters, 5x5")["contents"]["value"]
    check("hover: a param", "param filters = 8" in text, text)
    check("hover: nothing", c.at("textDocument/hover", uri, NET, "}\ndata") is None)

    # ---- completion
    def labels(mark, text=None):
        if text is not None:
            c.change(uri, text)
        return {i["label"]: i for i in c.at("textDocument/completion", uri, text or NET, mark)}

    got = labels("stem = |")
    check("completion: layers and blocks", "conv" in got and "stage" in got and "part" in got and "crossentropy" not in got and got["conv"]["detail"], sorted(got))
    got = labels("conv 8, |")
    check("completion: arguments", {"stride", "same", "nobias", "relu", "depthwise"} <= set(got) and got["stride"]["insertText"] == "stride=" and "padding" not in got, sorted(got))
    got = labels("init=|", NET.replace("conv 8, 1x1\n", "conv 8, 1x1, init=\n"))
    check("completion: words of a key", set(got) >= {"he", "glorot"} and "stride" not in got, sorted(got))
    got = labels("add |")
    check("completion: values", "stem" in got, sorted(got))
    got = labels("epochs 3\n  |", NET.replace("epochs 3\n", "epochs 3\n  \n"))
    check("completion: settings", {"optimizer", "batch", "save"} <= set(got) and "conv" not in got and "labels" not in got, sorted(got))
    got = labels("optimizer |", NET.replace("optimizer adam, lr=0.001", "optimizer "))
    check("completion: words of a setting", {"sgd", "adam", "rmsprop"} <= set(got), sorted(got))
    got = labels("optimizer adam, |", NET)
    check("completion: its arguments", {"lr", "beta1"} <= set(got) and "momentum" not in got, sorted(got))
    got = labels("loss |")
    check("completion: losses", set(got) == {"crossentropy", "quadratic"}, sorted(got))
    got = labels("on |")
    check("completion: data", {"clothes", "mnist"} <= set(got), sorted(got))
    got = labels("\nda|")
    check("completion: items", {"network", "data", "train"} <= set(got), sorted(got))
    check("completion: not in comments", labels("# \U0001F600 |") == {})

    # ---- definitions
    def definition(mark):
        got = c.at("textDocument/definition", uri, NET, mark)
        return got and (got["uri"], got["range"]["start"]["line"])
    c.change(uri, NET)
    check("definition: a block", definition("stage 16") == (uri, 2), definition("stage 16"))
    check("definition: a value", definition("stem\n") == (uri, 6), definition("stem\n"))
    check("definition: a param", definition("filters, 5x5") == (uri, 1), definition("filters, 5x5"))
    check("definition: an argument", definition("n, 3x3") == (uri, 2), definition("n, 3x3"))
    check("definition: of another file", definition("part\n") == (parts, 0), definition("part\n"))
    check("definition: the file", definition("parts.cnn") == (parts, 0), definition("parts.cnn"))
    check("definition: the network", definition("N on") == (uri, 3), definition("N on"))
    check("definition: the data", definition("clothes {\n") == (uri, 14), definition("clothes {\n"))
    check("definition: none", definition("dense") is None)

    # ---- the document
    names = [s["name"] for s in c.request("textDocument/documentSymbol", textDocument={"uri": uri})]
    check("symbols", names == ["parts.cnn", "filters", "stage", "N", "clothes", "N"], names)
    edits = c.request("textDocument/formatting", textDocument={"uri": uri}, options={"tabSize": 2, "insertSpaces": True})
    c.change(uri, edits[0]["newText"] if edits else NET)
    check("formatting", c.request("textDocument/formatting", textDocument={"uri": uri}, options={}) == [])
    c.change(uri, "network N { input 2;dense 2 }")
    edits = c.request("textDocument/formatting", textDocument={"uri": uri}, options={})
    check("formatting: an edit", edits[0]["newText"] == "network N { input 2; dense 2 }\n", edits)
    c.change(uri, "network N { input (")
    check("formatting: not what cannot be parsed", c.request("textDocument/formatting", textDocument={"uri": uri}, options={}) is None)

    # ---- the end
    check("an unknown method", c.request("workspace/none")["code"] == -32601)
    check("shutdown", c.request("shutdown") is None)
    c.send({"method": "exit"})
    check("exit", c.process.wait(10) == 0, c.process.returncode)


def garbage(cnnc):
    """None of it may end the server but its end, and it must still answer."""
    c = Client(cnnc)
    for body in (b"{", b"[]", b"null", b"3", b'""', b"\xff\xfe", b"{}", b'{"id":1}', b'{"method":3,"id":1}', b'{"jsonrpc":"2.0","id":[1],"method":"initialize"}', b"[" * 5000):
        c.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    c.raw(b"\r\n\r\nnonsense\r\nContent-Length: -4\r\n\r\nContent-Length: x\r\n\r\n" + b"A" * 3000 + b"\r\n")
    # "Content-Length: x" is a message of no bytes, and no JSON.
    c.number = 100
    check("the server answers after garbage", "capabilities" in c.request("initialize"))
    uri = "untitled:1"
    c.open(uri, "network N {")
    for method in ("hover", "completion", "definition", "formatting", "documentSymbol", "codeAction"):
        for params in ({}, {"textDocument": 3}, {"textDocument": {"uri": uri}}, {"textDocument": {"uri": uri}, "position": {"line": 1e300, "character": -1}},
                       {"textDocument": {"uri": uri}, "position": {"line": "a", "character": 1e9}, "range": []}, {"textDocument": {"uri": "file:///none"}}):
            c.request("textDocument/" + method, **params)
    c.send({"method": "textDocument/didChange", "params": {"textDocument": {"uri": uri}, "contentChanges": [{"range": {}, "text": "x"}, 3, {}]}})
    dice = random.Random(1)
    for _ in range(200):
        text = list(NET)
        for _ in range(dice.randrange(1, 30)):
            at = dice.randrange(len(text))
            text[at] = dice.choice(["", "{", "}", "(", ")", "\"", "\n", ",", "=", "->", "\u00e9", "\U0001F600", "\x01", "9999999999", text[dice.randrange(len(text))]])
        text = "".join(text)
        c.change(uri, text)
        line = dice.randrange(25)
        for method in ("hover", "completion", "definition"):
            c.request("textDocument/" + method, textDocument={"uri": uri}, position={"line": line, "character": dice.randrange(40)})
    check("the server lives", c.request("shutdown") is None)
    c.process.stdin.close()
    check("the end of the input is an end", c.process.wait(10) == 0, c.process.returncode)
    c = Client(cnnc)
    c.raw(b"Content-Length: 99999999999999999999\r\n\r\n")
    check("a message of all sizes ends it", c.process.wait(10) == 1, c.process.returncode)


def main():
    with tempfile.TemporaryDirectory(prefix="a folder ") as folder:
        session(sys.argv[1], folder)
    garbage(sys.argv[1])
    print(f"integrate: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
