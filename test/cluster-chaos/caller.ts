import type { Random } from "../crash/random.ts";
import type { ChaosNode } from "./node.ts";

/** An answer that came whole. */
export interface Reply {
  readonly status: number;
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
}

/** No call is held as long as this: one that is, hangs, but where its node stands still. */
const hangsMs = 30_000;
const triesMs = 60_000;
const againMs = 200;

/** Null when there was no answer, for nobody was there, or died meanwhile. @throws {Error} where a node that is well hangs */
export async function call(
  node: ChaosNode,
  method: string,
  path: string,
  body?: object,
): Promise<Reply | null> {
  let wasWell = node.isWell;
  const watching = setInterval(() => (wasWell &&= node.isWell), againMs);
  const timeout = AbortSignal.timeout(hangsMs);
  try {
    const response = await fetch(`${node.url}${path}`, {
      method,
      signal: timeout,
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  } catch (error) {
    if (timeout.aborted && wasWell)
      throw new Error(`${method} ${path} of ${node.name} is not answered`, { cause: error });
    return null;
  } finally {
    clearInterval(watching);
  }
}

/** Asks one node after another until one has said what was wanted. @throws {Error} with what was said last */
export async function insist(
  nodes: readonly ChaosNode[],
  random: Random,
  method: string,
  path: string,
  body?: object,
): Promise<Reply> {
  const deadline = performance.now() + triesMs;
  for (let said = "nothing"; ;) {
    const node = random.pick(nodes.filter(({ isWell }) => isWell));
    const reply = node === undefined ? null : await call(node, method, path, body);
    if (reply !== null && reply.status < 300) return reply;
    if (reply !== null) said = `${node?.name}: ${reply.status} ${JSON.stringify(reply.body)}`;
    if (reply !== null && reply.status < 500 && reply.status !== 409 && reply.status !== 429)
      throw new Error(`${method} ${path}: ${said}`);
    if (performance.now() > deadline) throw new Error(`${method} ${path} until the end: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}
