import { loadSettings, start } from "./run.ts";

const settings = loadSettings(process.argv.slice(2));
if (settings !== null) await start(settings);
