/** Measures Connack beside raw mqtt.js on this machine: `bun run bench [part]… [--option=value]…` */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { fileDescriptors } from "./child.ts";
import { measureAccess } from "./access.ts";
import { measureCluster } from "./cluster.ts";
import { measureConnect } from "./connect.ts";
import { measureDurable } from "./durable.ts";
import { measureMessages } from "./messages.ts";
import { measurePublish } from "./publish.ts";
import { table, type Report, type Row } from "./report.ts";
import { measureScale } from "./scale.ts";
import { measureStreams } from "./streams.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Another checkout of Connack, to measure beside this one in the same run. */
    against: { type: "string" },
    rounds: { type: "string" },
    /** Of one turn of `publish` and `messages`, and of the one before all that does not count. */
    seconds: { type: "string", default: "1" },
    "warm-up": { type: "string", default: "5" },
    /** Which figures of `publish`, `messages`, `durable` and `cluster`: http0, lines1, … */
    only: { type: "string", default: "" },
    /** Messages on their way to readers at once, in `messages`. */
    ahead: { type: "string" },
    /** Stored ones, in `access`. */
    tokens: { type: "string", default: "100000" },
    callers: { type: "string", default: "64" },
    connections: { type: "string", default: "10000" },
    idle: { type: "string", default: "60" },
    readers: { type: "string", default: "1000" },
    events: { type: "string", default: "50" },
    settle: { type: "string", default: "10" },
  },
});
const { against } = values;
const only = values.only.split(",").filter((name) => name !== "");
const ahead = values.ahead === undefined ? undefined : Number(values.ahead);
const turns = {
  rounds: Number(values.rounds ?? 5),
  seconds: Number(values.seconds),
  warmUp: Number(values["warm-up"]),
  only,
  against,
};
const settleMs = Number(values.settle) * 1_000;

const suites: Readonly<Record<string, (report: Report) => Promise<void>>> = {
  connect: (report) =>
    measureConnect(
      { rounds: Number(values.rounds ?? 10), sequential: 300, concurrent: 500, concurrency: 50, against },
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
  access: (report) =>
    measureAccess(
      { ...turns, callers: Number(values.callers), tokens: Number(values.tokens), against },
      report,
    ),
  publish: (report) =>
    measurePublish(
      { ...turns, callers: Number(values.callers), connections: Number(values.connections) },
      report,
    ),
  messages: (report) =>
    measureMessages({ ...turns, ahead, readers: [1, 100, Number(values.readers)] }, report),
  durable: (report) =>
    measureDurable(
      { ...turns, callers: Number(values.callers), connections: Number(values.connections), settleMs },
      report,
    ),
  cluster: (report) =>
    measureCluster(
      { ...turns, callers: Number(values.callers), connections: Number(values.connections) },
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
