import { adminToken } from "../test/support/access.ts";
import { keepTokens } from "../test/support/many-tokens.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { startBroker, type Broker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import { HttpConnection } from "./http-connection.ts";
import { openCallers, openConnection } from "./publish-http.ts";
import { ms, type Report } from "./report.ts";
import { startConnack, type Server } from "./servers.ts";
import { median, timed } from "./statistics.ts";
import { tellRates } from "./tell-rates.ts";
import { Contestant, takeTurns, type Turn, type TurnSizes } from "./turns.ts";

export interface AccessSizes extends TurnSizes {
  readonly callers: number;
  readonly tokens: number;
  /** Another checkout, without access control. */
  readonly against: string | undefined;
}

const withTokens = { CONNACK_ADMIN_TOKEN: adminToken, CONNACK_EGRESS_ALLOW: "loopback" };
const bearer = (token: string) => `authorization: Bearer ${token}\r\n`;

/** What access control and limits cost: nobody asked, one token, and as many as a server may have; in turns. */
export async function measureAccess(sizes: AccessSizes, report: Report): Promise<void> {
  using directory = temporaryDirectory();
  const file = `${directory.path}/many.db`;
  await keepTokens(file, sizes.tokens);
  await using broker = await startBroker();
  await using open = await startConnack(undefined, { store: "sqlite" });
  await using one = await startConnack(undefined, { store: "sqlite", settings: withTokens });
  await using many = await startConnack(undefined, { store: { file }, settings: withTokens });
  await using other =
    sizes.against === undefined ? null : await startConnack(sizes.against, { store: "sqlite" });
  const servers = [
    { name: "no token asked", server: saying(open) },
    { name: "a token", server: await withToken(one) },
    { name: `a token of ${sizes.tokens}`, server: await withToken(many) },
    ...(other === null ? [] : [{ name: "other checkout", server: saying(other) }]),
  ];
  for (const qos of [0, 1] as const) await measurePublishing(servers, broker, qos, sizes, report);
  await measureConnecting(servers, broker, sizes, report);
}

interface Named {
  readonly name: string;
  readonly server: Server;
}

/** Called with a token that nobody looks at: what is measured is the look, and not the header on its way. */
function saying(server: Server): Server {
  return Object.assign(server, { fields: bearer(`cnk_0123456789abcdef_${"0".repeat(43)}`) });
}

/** The same server, called with a token of a tenant that is not the default one. */
async function withToken(server: Server): Promise<Server> {
  const http = await HttpConnection.open(server.url, bearer(adminToken));
  const request = {
    ...{ name: "bench", tenant: "bench" },
    scopes: ["connections:read", "connections:write", "publish"],
    publish: ["unheard/#"],
  };
  const { body } = await http.call("POST", "/tokens", 201, request);
  http.close();
  const { token } = JSON.parse(body) as { token: string };
  return Object.assign(server, { fields: bearer(token) });
}

async function measurePublishing(
  servers: readonly Named[],
  broker: Broker,
  qos: 0 | 1,
  sizes: AccessSizes,
  report: Report,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const all: Contestant[] = [];
  for (const { name, server } of servers) {
    if (qos === 0) await openConnection(server, "bench", broker.url);
    const load = stack.use(startChild(program("http-load.ts")));
    await openCallers(load, server, { topic: "unheard/http", qos }, sizes.callers);
    const pids = { server: server.pid, load: load.pid };
    all.push(new Contestant(name, pids, null, (time) => load.ask<Turn>({ command: "run", ms: time })));
  }
  await takeTurns(all, sizes);
  const [open, one, ...others] = all as [Contestant, Contestant, ...Contestant[]];
  tellRates(
    `HTTP publish with a token, QoS ${qos}, ${sizes.callers} callers`,
    one,
    open,
    0.95,
    others,
    report,
  );
}

/** POST until its 201, one after another, in turns. */
async function measureConnecting(
  servers: readonly Named[],
  broker: Broker,
  { rounds }: AccessSizes,
  report: Report,
): Promise<void> {
  const times = new Map<string, number[]>(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, server } of servers) {
      const http = await HttpConnection.open(server.url, server.fields);
      for (let n = 0; n < 60; n += 1) {
        const id = `c${n}`;
        const took = await timed(() => http.call("POST", "/connections", 201, { id, url: broker.url }));
        times.get(name)?.push(took);
        await http.call("DELETE", `/connections/${id}`, 200);
      }
      http.close();
    }
  }
  for (const [name, all] of times)
    report({ figure: `connect to CONNACK, median: ${name}`, value: ms(median(all)) });
}
