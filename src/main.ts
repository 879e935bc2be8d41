import { helpText, loadSettings, readVersion, start } from "./run.ts";

const argv = process.argv.slice(2);
if (argv.includes("--help")) process.stdout.write(helpText());
else if (argv.includes("--version")) process.stdout.write(`${readVersion()}\n`);
else start(loadSettings(argv));
