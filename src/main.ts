#!/usr/bin/env bun
import { tokenCommand } from "./cli/token-command.ts";
import { loadSettings, start } from "./run.ts";

const [command, ...rest] = process.argv.slice(2);
if (command === "token") {
  process.exitCode = await tokenCommand(rest);
} else {
  const settings = loadSettings(command === "serve" ? rest : process.argv.slice(2));
  if (settings !== null) await start(settings);
}
