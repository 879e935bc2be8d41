/** Three nodes of a cluster on this machine, with all that they need, to try it out: `bun run demo:cluster`. */
import { shardOf } from "../../src/cluster/front-shard.ts";
import { startDemoBroker } from "../../src/demo/broker.ts";
import { fetchNats } from "../support/fetch-nats.ts";
import { natsProgram } from "../support/nats-program.ts";
import { startNats } from "../support/nats.ts";
import { DemoNodes } from "./nodes.ts";
import { demoText } from "./words.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

if (natsProgram() === undefined) say("Fetching nats-server …");
if (fetchNats(say) === undefined) process.exitCode = 1;
else await demonstrate();

async function demonstrate(): Promise<void> {
  const stopping = Promise.withResolvers<void>();
  // A second one changes nothing: all is told to end, and is killed where it does not.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.resolve());
  say("Starting three nats-servers, a broker and three nodes …");
  await using opened = new AsyncDisposableStack();
  const nats = opened.use(await startNats({ servers: 3 }));
  const broker = await startDemoBroker(1883);
  opened.defer(() => broker.close());
  const nodes = new DemoNodes(nats, say);
  opened.defer(() => nodes.end());
  await Promise.race([nodes.start(), stopping.promise]);
  const owner = await nodes.ownerOf(shardOf("demo", 12));
  const servers = nats.servers.map(({ name, port }) => `${name} 127.0.0.1:${port}`).join(", ");
  if (owner !== null) {
    say(`nats-server ${nats.version}: ${servers}\ndemo broker: mqtt://127.0.0.1:${broker.port}\n`);
    say(
      demoText({
        nodes: nodes.all.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        owner,
        brokerPort: broker.port,
      }),
    );
  }
  await stopping.promise;
  say("Ending …");
}
