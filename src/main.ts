#!/usr/bin/env bun
import { cannotRunOn } from "./runtime.ts";

const unfit = cannotRunOn(process.versions);
if (unfit !== null) {
  process.stderr.write(`${unfit}\n`);
  process.exit(1);
}
const [command, ...rest] = process.argv.slice(2);
// Each loads what it needs: a check of health, made every few seconds, is not to load the server.
switch (command) {
  case "token": {
    const { tokenCommand } = await import("./cli/token-command.ts");
    process.exitCode = await tokenCommand(rest);
    break;
  }
  case "probe": {
    const { probeCommand } = await import("./cli/probe-command.ts");
    process.exitCode = await probeCommand(rest);
    break;
  }
  case "healthcheck": {
    const { healthcheckCommand } = await import("./cli/healthcheck-command.ts");
    process.exitCode = await healthcheckCommand(rest);
    break;
  }
  default: {
    const { loadSettings, start } = await import("./run.ts");
    const settings = loadSettings(command === "serve" ? rest : process.argv.slice(2));
    if (settings !== null) await start(settings);
  }
}
