import type { RequestContext } from "../app.ts";
import { jointHeaders, Refused, withoutACell } from "./front-answer.ts";
import { Asking, jsonOf } from "./front-ask.ts";
import type { Cells } from "./cells.ts";
import { home } from "./front-shard.ts";

type Asked = Pick<Cells, "call" | "shards">;

const ofTheBody = ["content-type", "content-length", "transfer-encoding"];

/**
 * `POST /webhooks/{id}/replay`: the home cell first, which says whether there is such a webhook and whether the caller may;
 * then all others at once. Where one of them has no owner, the others have begun: to call once more does no harm, for what
 * was delivered meanwhile is not there any more.
 *
 * @throws {Refused}
 * @throws {Problem} `no-owner`
 */
export async function replayAll(cells: Asked, request: Request): Promise<Response> {
  using asking = new Asking(cells, request, ofTheBody);
  const { url } = request;
  const ask = async (cell: number): Promise<Response | null> => {
    const response = await asking.ask({ cell, url, method: "POST" }).catch((error: unknown) => {
      throw withoutACell(error);
    });
    if (response.status === 202) return response;
    const refused = await Refused.by(response);
    // It has not heard of it, and so it has nothing to replay.
    if (response.status === 404 && cell !== home) return null;
    throw refused;
  };
  const own = await ask(home);
  if (own === null) throw new Error("The home cell has answered, or it has not");
  const others = await Promise.allSettled(
    Array.from({ length: cells.shards }, (_, cell) => cell)
      .filter((cell) => cell !== home)
      .map(ask),
  );
  const failed = others.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  const all = [own, ...others.flatMap((each) => (each.status === "fulfilled" ? (each.value ?? []) : []))];
  const counts = (await Promise.all(all.map(jsonOf))) as { readonly replaying: number }[];
  const replaying = counts.reduce((sum, each) => sum + each.replaying, 0);
  return new Response(JSON.stringify({ replaying }), { status: 202, headers: jointHeaders(own, {}) });
}

/**
 * `POST /webhooks/{id}/deliveries/{delivery}/replay`: all cells are asked, and the one that has the delivery makes it.
 *
 * @throws {Problem} `no-owner` where it may be in a cell that has no owner
 */
export async function replayOne(
  cells: Asked,
  request: Request,
  context: RequestContext | undefined,
): Promise<Response> {
  using asking = new Asking(cells, request, ofTheBody);
  const { url } = request;
  // The endpoint may take its time.
  const letTimeOut = context?.holdOpen?.();
  try {
    const { promise: found, resolve } = Promise.withResolvers<Response>();
    const asked = Promise.allSettled(
      Array.from({ length: cells.shards }, async (_, cell) => {
        const response = await asking.ask({ cell, url, method: "POST" });
        const answer = new Response(await response.arrayBuffer(), response);
        if (answer.status === 200) resolve(answer);
        return answer;
      }),
    );
    // The others have nothing to say, whoever of them is away.
    const answers = await Promise.race([found, asked]);
    if (answers instanceof Response) return answers;
    const there = answers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const refused = there.find(({ status }) => status !== 404);
    if (refused !== undefined) return refused;
    const lost = answers.find(({ status }) => status === "rejected");
    if (lost?.status === "rejected") throw withoutACell(lost.reason);
    const [own] = there;
    if (own === undefined) throw new Error("There are no shards");
    return own;
  } finally {
    letTimeOut?.();
  }
}
