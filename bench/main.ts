/** Measures Connack beside raw mqtt.js on this machine: `bun run bench [connect] [scale] [streams] [--option=value]…` */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { fileDescriptors } from "./child.ts";
import { measureConnect } from "./connect.ts";
import { table, type Report, type Row } from "./report.ts";
import { measureScale } from "./scale.ts";
import { measureStreams } from "./streams.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Another checkout of Connack, to measure beside this one in the same run. */
    against: { type: "string" },
    rounds: { type: "string", default: "10" },
    connections: { type: "string", default: "10000" },
    idle: { type: "string", default: "60" },
    readers: { type: "string", default: "1000" },
    events: { type: "string", default: "50" },
    settle: { type: "string", default: "10" },
  },
});
const { against } = values;
const settleMs = Number(values.settle) * 1_000;

const suites: Readonly<Record<string, (report: Report) => Promise<void>>> = {
  connect: (report) =>
    measureConnect(
      { rounds: Number(values.rounds), sequential: 300, concurrent: 500, concurrency: 50, against },
      report,
    ),
  scale: (report) =>
    measureScale(
      { connections: Number(values.connections), settleMs, idleSeconds: Number(values.idle), against },
      report,
    ),
  streams: (report) =>
    measureStreams(
      {
        few: 100,
        many: Number(values.readers),
        events: Number(values.events),
        settleMs: settleMs / 2,
        against,
      },
      report,
    ),
};

const unknown = positionals.filter((name) => !(name in suites));
if (unknown.length > 0)
  throw new TypeError(`No ${unknown.join(", ")}; there are ${Object.keys(suites).join(", ")}`);
console.log(
  `Bun ${Bun.version}, ${availableParallelism()} cores; the limit on file descriptors raised to ${fileDescriptors()} for everything that is started\n`,
);
for (const [name, measure] of Object.entries(suites)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const rows: Row[] = [];
  await measure((row) => rows.push(row));
  console.log(`${name}\n${table(rows)}\n`);
}
process.exit(0);
