// extension.js: starts `cnnc lsp` when a program of cnnc is opened.
const { window, workspace } = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const command = workspace.getConfiguration("cnnc").get("path", "cnnc");
  client = new LanguageClient("cnnc", { command, args: ["lsp"], transport: TransportKind.stdio },
                              { documentSelector: [{ language: "cnnc" }] });
  try {
    await client.start();
  } catch (error) {
    client = undefined;                 // colours are there without it
    window.showErrorMessage(`'${command} lsp' does not run (the setting cnnc.path says where cnnc is): ${error}`);
  }
};

exports.deactivate = () => client && client.stop();
