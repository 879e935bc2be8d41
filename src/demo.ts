import { startDemoBroker } from "./demo/broker.ts";
import { loadSettings, start, urlOf } from "./run.ts";
import type { Settings } from "./settings.ts";

const settings = loadSettings(process.argv.slice(2));
if (settings !== null) await demonstrate(settings);

async function demonstrate(chosen: Settings): Promise<void> {
  const broker = await startDemoBroker(1883);
  // What is tried out leaves nothing behind, unless a store is named.
  const store = process.env["CONNACK_STORE"] === undefined ? { kind: "memory" as const } : chosen.store;
  const settings = { ...chosen, store };
  const serving = await start(settings, {
    onStopped: broker.close,
    orAnyPort: process.env["CONNACK_PORT"] === undefined,
  });
  const base = urlOf(serving);
  const isGuarded = chosen.adminToken !== null;
  const token = isGuarded ? ` -H "Authorization: Bearer $TOKEN"` : "";
  const said = isGuarded
    ? `
Access control is on, and the broker is on this machine, for which CONNACK_EGRESS_ALLOW=loopback is needed. First:

  TOKEN=… # that of CONNACK_ADMIN_TOKEN
`
    : "";
  process.stdout.write(`demo broker listening on mqtt://127.0.0.1:${broker.port}
${said}
Connect, and get the CONNACK as the answer:

  curl -s${token} ${base}/connections -H 'Content-Type: application/json' -d '{"id":"demo","url":"mqtt://127.0.0.1:${broker.port}"}'

Watch what happens to the connection (Ctrl-C ends it):

  curl -sN${token} '${base}/connections/demo/events?lastEventId=earliest'

Read a topic as it comes, in another terminal (Ctrl-C ends it), and publish to it:

  curl -sN${token} '${base}/connections/demo/messages?subscribe=greetings/%23&format=sse'
  curl -s${token} '${base}/connections/demo/publish?topic=greetings/world&qos=1' -d 'hello'

Disconnect:

  curl -s${token} -X DELETE ${base}/connections/demo

`);
}
