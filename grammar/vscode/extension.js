// extension.js: starts `cnnc lsp` when a program of cnnc is opened.
const { workspace } = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const command = workspace.getConfiguration("cnnc").get("path", "cnnc");
  client = new LanguageClient("cnnc", { command, args: ["lsp"], transport: TransportKind.stdio },
                              { documentSelector: [{ language: "cnnc" }] });
  return client.start();
};

exports.deactivate = () => client && client.stop();
