import { startDemoBroker } from "./demo/broker.ts";
import { loadSettings, start } from "./run.ts";

const settings = loadSettings(process.argv.slice(2));
const broker = await startDemoBroker(1883);
const { port } = start(settings, {
  onStopped: broker.close,
  orAnyPort: process.env["CONNACK_PORT"] === undefined,
});
const base = `http://127.0.0.1:${port}`;

process.stdout.write(`demo broker listening on mqtt://127.0.0.1:${broker.port}

Connect, and get the CONNACK as the answer:

  curl -s ${base}/connections -H 'Content-Type: application/json' -d '{"id":"demo","url":"mqtt://127.0.0.1:${broker.port}"}'

Watch what happens to the connection (Ctrl-C ends it):

  curl -sN '${base}/connections/demo/events?lastEventId=earliest'

Disconnect:

  curl -s -X DELETE ${base}/connections/demo

`);
