"""reports.py CNNC: --json and --sarif say the places, the fixes and the levels, in the folder that outputs.sh has filled."""
import json, subprocess, sys

def run(*options):
    done = subprocess.run([sys.argv[1], *options], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr

open("\u00e9\u4e2d.cnn", "w").write('network N { input 4x4x1\n  # \u4e2d\n  conv 2, 9x9, \U0001F600 }\n')
status, out, err = run("--json", "wrong.cnn", "-o", "x.c")
report = json.loads(err)
assert status == 1 and report["errors"] == 1 and out == "", report
first = report["reports"][0]
text = open("wrong.cnn").read()
at = first["at"]
assert at["file"] == "wrong.cnn" and text[at["from"]:at["to"]] == "9x9" and text.splitlines()[at["line"] - 1][at["column"] - 1:at["end_column"] - 1] == "9x9", at
fix = [h for h in first["helps"] if "replacement" in h][0]
mended = text[:fix["at"]["from"]] + fix["replacement"] + text[fix["at"]["to"]:]
open("mended.cnn", "w").write(mended)
assert run("mended.cnn")[0] == 0, mended
assert json.loads(run("--json", "small.cnn")[2]) == {"errors": 0, "warnings": 0, "reports": []}
status, out, err = run("--json", "\u00e9\u4e2d.cnn")
assert status == 1 and json.loads(err)["reports"][0]["at"]["file"] == "\u00e9\u4e2d.cnn"

status, out, err = run("--sarif", "-Wall", "a net.cnn", "-o", "x.c")
log = json.loads(err)
assert status == 0 and log["version"] == "2.1.0"
tool = log["runs"][0]["tool"]["driver"]
rules = {r["id"] for r in tool["rules"]}
results = log["runs"][0]["results"]
assert results and all(r["ruleId"] in rules and r["message"]["text"] and r["level"] in ("warning", "error") for r in results), results
place = results[0]["locations"][0]["physicalLocation"]
assert place["artifactLocation"]["uri"] == "a%20net.cnn" and place["region"]["startLine"] == 2, place
log = json.loads(run("--sarif", "wrong.cnn")[2])
assert log["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"]
assert json.loads(run("--sarif", "-Wall", "-Werror", "a net.cnn")[2])["runs"][0]["results"][0]["level"] == "error"
