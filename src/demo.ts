import { startDemoBroker, type DemoBroker } from "./demo/broker.ts";
import { examplesFor, exampleTopic, openExamples } from "./demo/examples.ts";
import { loadSettings, start, urlOf } from "./run.ts";
import type { Settings } from "./settings.ts";

/** Of the demo alone: it opens no connections by itself. */
const emptyOption = "--empty";

const given = process.argv.slice(2);
const settings = loadSettings(given.filter((arg) => arg !== emptyOption));
if (settings !== null) await demonstrate(settings, given.includes(emptyOption));

async function demonstrate(chosen: Settings, isEmpty: boolean): Promise<void> {
  const broker = await sayingIfSlow("Starting a broker …", startDemoBroker(1883));
  // What is tried out leaves nothing behind, unless a store is named.
  const hasStore = process.env["CONNACK_STORE"] !== undefined;
  const store = hasStore ? chosen.store : { kind: "memory" as const };
  const running = await sayingIfSlow(
    "Starting Connack …",
    start(
      { ...chosen, store },
      { onStopped: broker.close, orAnyPort: process.env["CONNACK_PORT"] === undefined },
    ),
  );
  const base = urlOf(running);
  const isGuarded = chosen.adminToken !== null;
  const token = isGuarded ? ` -H "Authorization: Bearer $TOKEN"` : "";
  const said = isGuarded
    ? `
Access control is on, and the broker is on this machine, for which CONNACK_EGRESS_ALLOW=loopback is needed. First:

  TOKEN=… # that of CONNACK_ADMIN_TOKEN
`
    : "";
  const examples = examplesFor(broker.port);
  const hasExamples = !isEmpty && !hasStore && (await openExamples(running, examples, chosen.adminToken));
  if (hasExamples) sendEachSecond(broker);
  const shown = hasExamples
    ? `
It shows ${examples.length} connections that the demo has opened (bun run demo ${emptyOption} opens none):

${examples.map(({ id, shows }) => `  ${id.padEnd(18)} ${shows}`).join("\n")}
`
    : "";
  process.stdout.write(`demo broker listening on mqtt://127.0.0.1:${broker.port}

Open the dashboard in a browser:

  ${base}/
${shown}${said}
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

/** A temperature that goes up and down. */
function sendEachSecond(broker: DemoBroker): void {
  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    const celsius = Math.round(210 + 15 * Math.sin(n / 20)) / 10;
    broker.publish(exampleTopic, JSON.stringify({ celsius }));
  }, 1_000);
  // Connack is why the process lives.
  timer.unref();
}

/** Says what is done where that takes a second. */
async function sayingIfSlow<T>(text: string, done: Promise<T>): Promise<T> {
  const timer = setTimeout(() => process.stderr.write(`${text}\n`), 1_000);
  try {
    return await done;
  } finally {
    clearTimeout(timer);
  }
}
