#!/usr/bin/env bash
# page.sh CNNC DIR [CHROMIUM]: net.html is one whole file that needs no other, and works in a browser: a click and the keyboard select a layer in
# the drawing, the source, the nests, the C and the memory at once; nothing is wider than 400 pixels; there is no mistake in the console.
set -u
export LC_ALL=C
cnnc=$(realpath "$1")
examples=$(realpath "$(dirname "$0")/../../examples")
mkdir -p "$2" && cd "$2" || exit 2
browser=${3-}
failed=0

expect() { # WHAT COMMAND...
    local what=$1
    shift
    "$@" > /dev/null 2>&1 || { echo "FAIL $what"; failed=1; }
}

cat > page.cnn <<'END'
network Page {
  input 28x28x1
  conv 4, 3x3, same, relu               # two layers: <b> & "quotes"
  maxpool 2x2
  dense 10, softmax
}

train Page on digits {
  loss      crossentropy
  optimizer adam
  epochs    2
}
END
printf 'epoch,step,rate,loss,accuracy,val_loss,val_accuracy\n1,10,0.1,2.3,0.2,2.2,0.25\n2,20,0.1,1.1,0.6,,\n' > epochs.csv
{
    printf 'truth'
    for i in 0 1 2 3 4 5 6 7 8 9; do printf ',"class ""%s"" <i>"' $i; done
    printf '\n'
    for i in 0 1 2 3 4 5 6 7 8 9; do printf '"%s",1,2,3,4,5,6,7,8,9,10\n' $i; done
} > confusion.csv
"$cnnc" page.cnn --report epochs.csv --report confusion.csv -o page.html || exit 1
expect "nothing is loaded from elsewhere" sh -c "! grep -oE '(src|href)=.*|url\\([^#].*|@import.*|https?://[^\"]*' page.html | grep -v '^http://www.w3.org/2000/svg'"
expect "text of the user is no markup" sh -c "! grep -q '<b> & \"quotes\"' page.html && ! grep -q '<i>\"' page.html"
expect "curves" grep -q 'class="curve train"' page.html
expect "a dot at each epoch, where the curve is no line" test "$(grep -c 'class="dot train"' page.html)" -eq 4
expect "digits in groups" sh -c "grep -q '14x14x4' page.html && grep -q '>10 features, 7 850 parameters<' page.html"
expect "confusions" grep -q 'id="confusion"' page.html

# Arrows go past boxes and past each other, never behind them.
if command -v python3 > /dev/null 2>&1; then
    "$cnnc" "$examples/branches/branches.cnn" -o branches.svg
    expect "arrows are to be told apart" python3 -c '
import re
text = open("branches.svg").read()
width = float(re.search(r"viewBox=\"0 0 (\d+)", text)[1])
boxes = [tuple(map(float, b)) for b in re.findall(r"class=\"box[^\"]*\" x=\"([\d.]+)\" y=\"([\d.]+)\" width=\"(\d+)\" height=\"(\d+)\"", text)]
lines = [tuple(map(float, l)) for l in re.findall(r"([\d.]+) ([\d.]+)L[\d.]+ ([\d.]+)C", text)]
assert len(boxes) > 30 and len(lines) > 4
for i, (x, top, end) in enumerate(lines):
    assert x < width
    for left, y, w, h in boxes:
        assert not (left < x < left + w and top < y + h and y < end)
    for other, a, b in lines[:i]:
        assert abs(other - x) > 5 or end <= a or b <= top
'
fi
printf 'a,b\n1\n' > wrong.csv
expect "a wrong table is an error" sh -c "! '$cnnc' page.cnn --report wrong.csv -o wrong.html"
expect "and nothing is written" test ! -e wrong.html

if [ -z "$browser" ]; then
    echo "page: without a browser: $failed failed"
    exit $failed
fi

# What a person does, and what is then to be seen, as words in the title of the page.
cat > act.js <<'END'
(function () {
  "use strict";
  var words = [];
  function on(where) { return [].map.call(document.querySelectorAll(where + " .on"), function (e) { return e.dataset.site || e.dataset.sites; }).join("/"); }
  function say(what) { words.push(what + ":" + on("#drawing") + "|" + on("#source") + "|" + [].filter.call(document.querySelectorAll("#nests .on,#code .on,#memory .on"), function (e) { return e.dataset.site; }).length); }
  function key(name) { document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true })); }
  window.addEventListener("error", function (e) { words.push("error " + e.message); });
  window.addEventListener("load", function () {
    say("begin");
    document.querySelector('#drawing [data-site="3"]').dispatchEvent(new MouseEvent("click", { bubbles: true })); say("drawing");
    document.querySelector('#source [data-sites="1 2"]').click(); say("line");
    document.querySelector('#source [data-sites="1 2"]').click(); say("again");
    key("ArrowDown"); say("down"); key("k"); say("up"); key("End"); say("end");
    document.querySelector('#code [data-site="4"]').click(); say("code");
    document.querySelector('#memory [data-site="1"]').dispatchEvent(new MouseEvent("click", { bubbles: true })); say("memory");
    words.push("shown " + [].filter.call(document.querySelectorAll("#facts article"), function (e) { return !e.hidden; }).length);
    words.push("wide " + (document.documentElement.scrollWidth <= window.innerWidth ? "fits" : document.documentElement.scrollWidth));
    (window.parent || window).postMessage(words.join("; "), "*");
    document.title = words.join("; ");
  });
})();
END
sed '/^<script type="application/e printf "<script>\\n"; cat act.js; printf "</script>\\n"' page.html > acted.html
printf '<!DOCTYPE html><html><head><title>waiting</title></head><body style="margin:0"><iframe src="acted.html" style="width:400px;height:800px;border:0"></iframe><script>window.onmessage=function(e){document.title=e.data}</script></body></html>\n' > narrow.html
dump() { # PAGE
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --window-size=1300,900 --virtual-time-budget=3000 --dump-dom "file://$(pwd)/$1" 2> browser.log
}
for page in acted.html narrow.html; do
    dump $page > $page.dom
    title=$(grep -o '<title>.*</title>' $page.dom | head -n 1)
    echo "$page: $title"
    for want in 'begin:1|1 2|' 'drawing:3|3|' 'line:1|1 2|' 'again:2|1 2|' 'down:3|3|' 'up:2|1 2|' 'end:|6|' 'code:4|4 5|' 'memory:1|1 2|' 'shown 1' 'wide fits'; do
        expect "$page: $want" grep -q "$want" <<< "$title"
    done
    expect "$page: no mistake" sh -c "! grep -q 'error ' <<END
$title
END"
done
rm -rf profile
echo "page: $failed failed"
exit $failed
