// vscode.js CNNC TOP: what VS Code is given, without VS Code. Its own engines for colours and for language servers (vscode-textmate with vscode-oniguruma, and
// vscode-languageclient, of npm) are run on the grammar and on the extension; in place of the editor is a stub of its module `vscode`, and behind the client
// is the real `cnnc lsp`. The last line is `integrate: N passed, M failed`.
const assert = require("assert");
const fs = require("fs");
const Module = require("module");
const path = require("path");

const [cnnc, top] = process.argv.slice(2);
let passed = 0, failed = 0;

function same(what, got, wanted) {
  try {
    assert.deepStrictEqual(got, wanted);
    passed++;
  } catch {
    failed++;
    console.log(`FAIL ${what}: ${JSON.stringify(got)}\n  instead of ${JSON.stringify(wanted)}`);
  }
}

// ---- package.json: every file that it names is there, every name that it uses is made

function manifest() {
  const folder = path.join(top, "grammar/vscode");
  const installed = (file) => [path.join(folder, file), path.join(top, "grammar", file), path.join(top, file)].some((p) => fs.existsSync(p));
  const json = JSON.parse(fs.readFileSync(path.join(folder, "package.json")));
  const { languages, grammars, configuration } = json.contributes;
  const files = [json.main, ...languages.map((l) => l.configuration), ...grammars.map((g) => g.path), "./LICENSE"];
  same("files of the extension", files.filter((f) => !installed(f)), []);
  same("grammars are of its languages", grammars.map((g) => g.language), languages.map((l) => l.id));
  same("its own settings alone", Object.keys(configuration.properties).filter((k) => !k.startsWith("cnnc.")), []);
  const points = ["languages", "grammars", "configuration"];            // of those that code.visualstudio.com/api/references/contribution-points lists
  same("contribution points", Object.keys(json.contributes).filter((k) => !points.includes(k)), []);
  // From 1.74 on a language that is contributed activates the extension by itself.
  same("the oldest VS Code", json.activationEvents === undefined && Number(json.engines.vscode.match(/^\^1\.(\d+)\.0$/)[1]) >= 74, true);
  return json;
}

// ---- colours

async function grammar(scopeName) {
  const { Registry, INITIAL, parseRawGrammar } = require("vscode-textmate");
  const oniguruma = require("vscode-oniguruma");
  await oniguruma.loadWASM(fs.readFileSync(path.join(path.dirname(require.resolve("vscode-oniguruma")), "onig.wasm")).buffer);
  const file = path.join(top, "grammar/cnnc.tmLanguage.json");
  const registry = new Registry({
    onigLib: Promise.resolve({ createOnigScanner: (s) => new oniguruma.OnigScanner(s), createOnigString: (s) => new oniguruma.OnigString(s) }),
    loadGrammar: async () => parseRawGrammar(fs.readFileSync(file, "utf8"), file),
  });
  const loaded = await registry.loadGrammar(scopeName);
  // [text, scope] of everything that has a colour
  return (text) => {
    let state = INITIAL;
    const all = [];
    for (const line of text.split("\n")) {
      const result = loaded.tokenizeLine(line, state);
      state = result.ruleStack;
      for (const t of result.tokens) {
        const word = line.slice(t.startIndex, t.endIndex).trim(), scope = t.scopes[t.scopes.length - 1].replace(/\.cnnc$/, "");
        if (word && scope !== "source")
          all.push([word, scope]);
      }
    }
    return all;
  };
}

async function colours(json) {
  const coloured = await grammar(json.contributes.grammars[0].scopeName);
  const layer = "entity.name.function", type = "entity.name.type", number = "constant.numeric", operator = "keyword.operator";
  const item = "keyword.declaration", word = "keyword.control", size = "constant.numeric.size", string = "string.quoted.double";
  const cases = [
    ["param f = 5e-4  # why", [["param", item], ["f", "variable.other"], ["=", operator], ["5e-4", number], ["# why", "comment.line"]]],
    ["network N {", [["network", item], ["N", type]]],
    ["  conv 2*f, 3x3, pad=(1, 2), same", [["conv", layer], ["2", number], ["*", operator], ["3x3", size], ["pad", "variable.parameter"], ["=", operator],
                                           ["1", number], ["2", number]]],
    ["  stem = conv 8, 1x1", [["stem", "variable.other"], ["=", operator], ["conv", layer], ["8", number], ["1x1", size]]],
    ["  conv 8, 3x3 -> relu; add stem", [["conv", layer], ["8", number], ["3x3", size], ["->", operator], ["relu", layer], ["add", layer]]],
    ["  concat { path { conv 1, 1x1 }; path { identity } }", [["concat", layer], ["path", word], ["conv", layer], ["1", number], ["1x1", size], ["path", word],
                                                            ["identity", layer]]],
    ["  repeat i in 1..3 {", [["repeat", word], ["in", word], ["1", number], ["..", operator], ["3", number]]],
    ["train N on clothes {", [["train", item], ["N", type], ["on", word], ["clothes", type]]],
    ["train N on \"a folder\" {", [["train", item], ["N", type], ["on", word], ["\"", string], ["a folder", string], ["\"", string]]],
    ["  expect accuracy >= 92%", [["expect", word], [">=", operator], ["92%", number]]],
    ["  labels \"a # \\\" b\", // no string", [["labels", layer], ["\"", string], ["a #", string], ["\\\"", "constant.character.escape"], ["b", string],
                                               ["\"", string], ["// no string", "comment.line"]]],
    // A line goes on behind ',' and '(' and an operator: what begins the next one is no layer.
    ["  conv 8, 3x3,   # the sizes\n    same, relu\n  relu", [["conv", layer], ["8", number], ["3x3", size], ["# the sizes", "comment.line"], ["relu", layer]]],
    ["  dense (\n  f +\n    g)\n  relu", [["dense", layer], ["+", operator], ["relu", layer]]],
    ["  dense 3f", [["dense", layer], ["3f", "invalid.illegal.number"]]],
  ];
  for (const [text, wanted] of cases)
    same(`colours of '${text}'`, coloured(text), wanted);
  // Nothing that the compiler takes is marked as wrong.
  for (const folder of ["examples", "tests/layers", "tests/golden/dumps", "tests/golden/c"])
    for (const entry of fs.readdirSync(path.join(top, folder), { recursive: true }).filter((f) => String(f).endsWith(".cnn"))) {
      const text = fs.readFileSync(path.join(top, folder, String(entry)), "utf8");
      same(`${folder}/${entry}`, coloured(text).filter(([, scope]) => scope.startsWith("invalid")), []);
    }
}

// ---- the extension and its client

// What of the module `vscode` the client uses. Classes and enumerations that carry nothing but their fields come out of nothing.
function editor(settings) {
  class Emitter {
    constructor() { this.listeners = []; this.event = (f, self) => { this.listeners.push(f.bind(self)); return { dispose() {} }; }; }
    fire(e) { return Promise.all(this.listeners.map((f) => f(e))); }
    dispose() {}
  }
  class Uri {
    constructor(text) { this.text = text; this.scheme = text.split(":")[0]; this.fsPath = this.path = decodeURIComponent(text.replace(/^file:\/\//, "")); }
    toString() { return this.text; }
    static parse(text) { return new Uri(text); }
    static file(name) { return new Uri("file://" + encodeURI(name)); }
  }
  class Position { constructor(line, character) { this.line = line; this.character = character; } }
  class Range {
    constructor(a, b, c, d) { this.start = c === undefined ? a : new Position(a, b); this.end = c === undefined ? b : new Position(c, d); }
  }
  class TextEdit { constructor(range, text) { this.range = range; this.newText = text; } static replace(range, text) { return new TextEdit(range, text); } }
  class MarkdownString { constructor(value) { this.value = value || ""; } appendCodeblock(code) { this.value += code; return this; } }
  class Diagnostic { constructor(range, message, severity) { Object.assign(this, { range, message, severity }); } }
  class Location { constructor(uri, range) { this.uri = uri; this.range = range; } }
  class Hover { constructor(contents, range) { this.contents = contents; this.range = range; } }
  class CompletionItem { constructor(label) { this.label = label; } }
  class CompletionList { constructor(items) { this.items = items; } }
  class WorkspaceEdit { constructor() { this.edits = []; } set(uri, edits) { this.edits.push([uri.toString(), edits]); } }
  class CodeAction { constructor(title, kind) { this.title = title; this.kind = kind; } }
  class DocumentSymbol { constructor(name, detail, kind, range) { Object.assign(this, { name, detail, kind, range }); } }
  const kind = (value) => ({ value, append: (more) => kind(`${value}.${more}`), contains: () => true });
  const nothing = () => ({ dispose() {} });
  const on = {}, providers = {}, diagnostics = new Map(), messages = [];
  const events = (names) => Object.fromEntries(names.map((n) => [n, (on[n] = new Emitter()).event]));
  const languages = new Proxy({
    match: (selector, document) => [].concat(selector).some((s) => s.language === document.languageId) ? 10 : 0,
    createDiagnosticCollection: () => ({ set: (uri, list) => diagnostics.set(uri.toString(), list), delete: (uri) => diagnostics.delete(uri.toString()), clear() {}, dispose() {} }),
  }, { get: (t, k) => t[k] || ((selector, provider) => { providers[k] = provider; return { dispose() {} }; }) });
  const known = {
    EventEmitter: Emitter, Uri, Position, Range, TextEdit, MarkdownString, Diagnostic, Location, Hover, CompletionItem, CompletionList, WorkspaceEdit, CodeAction,
    DocumentSymbol, languages, version: "1.75.0",
    CodeActionKind: Object.assign(kind(""), { Empty: kind(""), QuickFix: kind("quickfix"), Refactor: kind("refactor"), Source: kind("source") }),
    Disposable: class { constructor(f) { this.dispose = f || (() => {}); } static from() { return { dispose() {} }; } },
    CancellationError: class extends Error {},
    CancellationTokenSource: class { constructor() { this.token = { isCancellationRequested: false, onCancellationRequested: nothing }; } cancel() {} dispose() {} },
    env: { language: "en", appName: "a stub" },
    commands: { registerCommand: nothing },
    window: {
      createOutputChannel: () => ({ append() {}, appendLine() {}, show() {}, clear() {}, dispose() {} }), tabGroups: { all: [], onDidChangeTabs: nothing },
      ...Object.fromEntries(["showInformationMessage", "showWarningMessage", "showErrorMessage"].map((n) => [n, async (text) => { messages.push(text); }])),
      withProgress: (options, f) => f({ report() {} }), ...events(["onDidChangeActiveTextEditor"]),
    },
    workspace: {
      textDocuments: [], workspaceFolders: undefined, createFileSystemWatcher: nothing, notebookDocuments: [],
      getConfiguration: (section) => ({ get: (name, fallback) => settings[section ? `${section}.${name}` : name] ?? fallback, has: () => false }),
      ...events(["onDidOpenTextDocument", "onDidCloseTextDocument", "onDidChangeTextDocument", "onDidSaveTextDocument", "onWillSaveTextDocument",
                 "onDidChangeConfiguration", "onDidChangeWorkspaceFolders", "onDidOpenNotebookDocument", "onDidCloseNotebookDocument",
                 "onDidChangeNotebookDocument", "onDidSaveNotebookDocument", "onDidCreateFiles", "onDidRenameFiles", "onDidDeleteFiles",
                 "onWillCreateFiles", "onWillRenameFiles", "onWillDeleteFiles"]),
    },
  };
  const made = (name) => new Proxy(class {}, { get: (t, k) => k in t || typeof k === "symbol" ? t[k] : `${name}.${k}` });
  const vscode = new Proxy(known, { get: (t, k) => (k in t ? t[k] : typeof k === "symbol" || k === "__esModule" ? undefined : (t[k] = made(k))) });
  return { vscode, on, providers, diagnostics, messages };
}

function documentOf(vscode, name, text) {
  const lines = () => d.text.split("\n");
  const d = {
    text, uri: vscode.Uri.file(name), fileName: name, languageId: "cnnc", version: 1, isClosed: false, isUntitled: false, isDirty: false, eol: 1,
    getText: () => d.text,
    get lineCount() { return lines().length; },
    at: (mark) => {
      const before = d.text.slice(0, d.text.indexOf(mark));
      return new vscode.Position(before.split("\n").length - 1, before.length - before.lastIndexOf("\n") - 1);
    },
  };
  return d;
}

async function until(what, condition) {
  for (let i = 0; i < 500; i++) {
    if (condition())
      return;
    await new Promise((done) => setTimeout(done, 20));
  }
  same(`${what} came within ten seconds`, false, true);
}

// Loads the extension anew, in an editor with such settings.
function extension(settings) {
  const e = editor(settings);
  const load = Module._load;
  Module._load = (name, ...more) => (name === "vscode" ? e.vscode : load(name, ...more));
  for (const file of Object.keys(require.cache))
    delete require.cache[file];
  e.extension = require(path.join(top, "grammar/vscode/extension.js"));
  return e;
}

async function client() {
  const e = extension({ "cnnc.path": cnnc });
  const d = documentOf(e.vscode, "/tmp/a folder/n.cnn", "network N {\n  input 8x8x1\n  conv   4, 3x3\n  dense 2, sofmax\n}\n");
  const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };
  e.vscode.workspace.textDocuments.push(d);
  await e.extension.activate();
  const list = () => e.diagnostics.get(d.uri.toString()) || [];
  await until("a diagnostic", () => list().length);
  same("an error as one types", list().map((x) => [x.severity, x.range.start.line, /softmax|sofmax/.test(x.message)]), [["DiagnosticSeverity.Error", 3, true]]);
  const fixes = await e.providers.registerCodeActionsProvider.provideCodeActions(d, list()[0].range, { diagnostics: list(), triggerKind: 1 }, token);
  same("its fix", fixes.map((a) => a.edit.edits[0][1].map((t) => t.newText)), [["softmax"]]);
  d.text = d.text.replace("sofmax", "softmax");
  d.version++;
  await e.on.onDidChangeTextDocument.fire({ document: d, contentChanges: [{ text: d.text }] });
  await until("no diagnostic", () => !list().length);
  same("no error when it is gone", list(), []);
  const hover = await e.providers.registerHoverProvider.provideHover(d, d.at("conv"), token);
  same("hover says the shape", /6x6x4/.test(JSON.stringify(hover.contents)), true);
  const offered = await e.providers.registerCompletionItemProvider.provideCompletionItems(d, new e.vscode.Position(2, 2), token, { triggerKind: 0 });
  same("completion offers layers", ["conv", "maxpool", "dense"].filter((w) => !(offered.items || offered).some((i) => i.label === w)), []);
  const edits = await e.providers.registerDocumentFormattingEditProvider.provideDocumentFormattingEdits(d, { tabSize: 2, insertSpaces: true }, token);
  same("formatting", edits.map((t) => t.newText).join("").includes("  conv 4, 3x3\n"), true);
  const symbols = await e.providers.registerDocumentSymbolProvider.provideDocumentSymbols(d, token);
  same("symbols", symbols.map((s) => s.name), ["N"]);
  await e.extension.deactivate();
  same("nobody complained", e.messages, []);

  const none = extension({ "cnnc.path": "/no/such/cnnc" });
  await none.extension.activate();
  same("without cnnc it says how to find it", none.messages.some((m) => /\/no\/such\/cnnc.*cnnc\.path/.test(m)), true);
  await none.extension.deactivate();
}

(async () => {
  await colours(manifest());
  await client();
  console.log(`integrate: ${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
})().catch((e) => { console.log(`FAIL ${(e && e.stack) || JSON.stringify(e)}`); process.exit(1); });
