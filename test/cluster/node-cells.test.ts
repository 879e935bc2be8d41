import assert from "node:assert/strict";
import type { NodeFacts } from "../../src/cluster/heart.ts";
import { callSubject, contextOf, NodeCells } from "../../src/cluster/node-cells.ts";
import { NoOwner, NotForwardable, OwnerLost, TunnelFull } from "../../src/cluster/tunnel-errors.ts";
import type { ForwardOptions } from "../../src/cluster/tunnel.ts";
import { Listeners } from "../../src/listeners.ts";
import { Problem } from "../../src/problem.ts";
import type { Peer } from "../../src/stream/vanished.ts";
import { startApp } from "../support/app.ts";
import { describe, it } from "../support/test.ts";
import { later } from "../support/tunnel-rig.ts";

type Forward = (subject: string, request: Request, options: ForwardOptions) => Promise<Response>;

/** The cells of a node, with a tunnel and with others that the test plays. */
function scene(
  forward: Forward,
  { owned = [1] as readonly number[], ownerWithinMs = 60_000, isGuarded = false } = {},
) {
  const changes = new Listeners();
  const forwarded: { readonly subject: string; readonly options: ForwardOptions }[] = [];
  /** Streams that would be cut off if their readers vanished, and whose these are. */
  const watched = new Map<{ fail(): void }, Peer | null>();
  let listening = 0;
  let shards = owned;
  const cells = new NodeCells({
    tunnel: {
      forward(subject, request, options = {}) {
        forwarded.push({ subject, options });
        return forward(subject, request, options);
      },
    },
    ...{ name: "place", shards: 3, ownerWithinMs, random: () => 0 },
    now: () => performance.now(),
    isFresh: () => true,
    isGuarded: () => isGuarded,
    streams: {
      add(stream, peer) {
        watched.set(stream, peer);
        return () => void watched.delete(stream);
      },
    },
    members: () => [{ node: "b", shards, connections: 0 } as unknown as NodeFacts],
    onChange(listener) {
      listening += 1;
      const unlisten = changes.add(listener);
      return () => {
        listening -= 1;
        unlisten();
      };
    },
  });
  const others = (now: readonly number[]) => {
    shards = now;
    changes.call();
  };
  return { cells, forwarded, others, watched, listening: () => listening };
}

const get = (init: RequestInit = {}) => new Request("http://localhost/connections/c1", init);
const post = () => new Request("http://localhost/connections", { method: "POST", body: "{}" });
const ok = () => Promise.resolve(new Response("there"));

async function problemOf(call: Promise<unknown>): Promise<Problem> {
  const error = await call.then(
    () => assert.fail("it was answered"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Problem, String(error));
  return error;
}

describe("NodeCells", () => {
  it("calls its own cells here, and those of others by the tunnel", async () => {
    const { cells, forwarded } = scene(ok);
    cells.enter(0, async () => new Response("here"));
    assert.equal(cells.isLocal(0), true);
    assert.equal(await (await cells.call(0, get())).text(), "here");
    assert.equal(await (await cells.call(1, get())).text(), "there");
    assert.deepEqual(
      forwarded.map(({ subject }) => subject),
      [callSubject("place", 1)],
    );
    cells.leave(0);
    assert.equal(cells.isLocal(0), false);
    assert.deepEqual(cells.placement(), [1, 2]);
  });

  it("brings along the id that a connection is to have, and where the caller is", async () => {
    const { cells, forwarded } = scene(ok);
    const peer = () => ({ address: "192.0.2.7", port: 4711 });
    await cells.call(1, post(), { newId: "c_7", peer });
    const caller = forwarded[0]?.options.caller ?? "";
    assert.deepEqual(JSON.parse(caller), { newId: "c_7", peer: "192.0.2.7:4711" });
    assert.deepEqual(contextOf(caller), { newId: "c_7" });
    assert.deepEqual(contextOf("{}"), {});
    assert.deepEqual(contextOf(null), {});
  });

  it("brings along that it came in where a token is needed, so that none is let in where none is", async () => {
    const { cells, forwarded } = scene(ok, { isGuarded: true });
    await cells.call(1, get());
    assert.deepEqual(contextOf(forwarded[0]?.options.caller ?? ""), { isGuarded: true });
    await using open = await startApp();
    const call = (path: string, headers: Record<string, string> = {}) =>
      open.app.fetch(new Request(`http://127.0.0.1${path}`, { headers: { host: "127.0.0.1", ...headers } }), {
        isGuarded: true,
      });
    assert.equal((await call("/connections")).status, 401);
    assert.equal((await call("/connections", { authorization: "Bearer anything" })).status, 401);
    assert.equal((await call("/healthz")).status, 200);
    assert.equal((await open.call("GET", "/connections")).status, 200);
  });

  it("waits for an owner, elsewhere or here", async () => {
    const { cells, others, listening } = scene(ok, { owned: [] });
    const [elsewhere, here] = [cells.call(1, get()), cells.call(2, get())];
    assert.equal(listening(), 2);
    others([0]);
    assert.equal(listening(), 2);
    others([0, 1]);
    assert.equal(await (await elsewhere).text(), "there");
    cells.enter(2, async () => new Response("here"));
    assert.equal(await (await here).text(), "here");
    assert.equal(listening(), 0);
  });

  it("says that there is no owner when nobody has it in time", async () => {
    const { cells, listening } = scene(ok, { owned: [], ownerWithinMs: 20 });
    const problem = await problemOf(cells.call(1, get()));
    assert.equal(problem.code, "no-owner");
    assert.equal(problem.details.retryAfterSeconds, 2);
    assert.equal(problem.details.duplicatePossible, undefined);
    assert.equal(listening(), 0);
  });

  it("waits no longer when the caller has left, or left before, or the node stops", async () => {
    const { cells, listening } = scene(ok, { owned: [] });
    const leaving = new AbortController();
    const call = cells.call(1, get({ signal: leaving.signal }));
    const left = new Error("left");
    leaving.abort(left);
    await assert.rejects(call, left);
    await assert.rejects(cells.call(1, get({ signal: leaving.signal })), left);
    const waiting = cells.call(1, get());
    cells.stop();
    assert.equal((await problemOf(waiting)).code, "no-owner");
    assert.equal((await problemOf(cells.call(1, get()))).code, "no-owner");
    assert.equal(listening(), 0);
  });

  it("makes a call that only reads again where its owner was lost", async () => {
    for (const method of ["GET", "HEAD"]) {
      let tries = 0;
      const { cells, forwarded } = scene(async () => {
        tries += 1;
        if (tries < 4) throw new OwnerLost("gone", true);
        return new Response(null, { headers: { tries: String(tries) } });
      });
      const answer = await cells.call(1, get({ method }));
      assert.equal(answer.headers.get("tries"), "4");
      assert.equal(forwarded.length, 4);
    }
  });

  it("waits for the next owner in between, which may be this node", async () => {
    const lost = later();
    const { cells, others } = scene(
      async () => {
        others([]);
        lost.resolve();
        throw new OwnerLost("not-serving", true);
      },
      { owned: [1] },
    );
    const call = cells.call(1, get());
    await lost.promise;
    cells.enter(1, async () => new Response("here"));
    assert.equal(await (await call).text(), "here");
  });

  it("gives up a call that only reads when time is over, its caller leaves, or the node stops", async () => {
    const gone = () => Promise.reject(new OwnerLost("gone", true));
    const late = scene(gone, { ownerWithinMs: 30 });
    const problem = await problemOf(late.cells.call(1, get()));
    assert.equal(problem.code, "no-owner");
    assert.ok(late.forwarded.length >= 2 && late.forwarded.length < 20, `${late.forwarded.length}`);
    const stopping = scene(async () => {
      stopping.cells.stop();
      throw new OwnerLost("closing", true);
    });
    assert.equal((await problemOf(stopping.cells.call(1, get()))).code, "no-owner");
    const leaving = new AbortController();
    const left = new Error("left");
    const left1 = scene(async (_subject, { signal }) => {
      signal.throwIfAborted();
      leaving.abort(left);
      throw new OwnerLost("gone", true);
    });
    await assert.rejects(left1.cells.call(1, get({ signal: leaving.signal })), left);
  });

  it("makes no other call again, and says that it may have been carried out", async () => {
    const { cells, forwarded } = scene(() => Promise.reject(new OwnerLost("gone", true)));
    for (const request of [post(), get({ method: "DELETE" }), get({ method: "PUT", body: "{}" })]) {
      forwarded.length = 0;
      const problem = await problemOf(cells.call(1, request));
      assert.equal(problem.code, "no-owner");
      assert.equal(problem.details.duplicatePossible, true);
      assert.equal(forwarded.length, 1);
    }
    const before = scene(() => Promise.reject(new OwnerLost("refused", false)));
    const problem = await problemOf(before.cells.call(1, post()));
    assert.equal(problem.details.duplicatePossible, undefined);
  });

  const refusals = [
    [new NoOwner("nobody"), "no-owner"],
    [new TunnelFull("here"), "limit-reached"],
    [new TunnelFull("owner"), "limit-reached"],
    [new NotForwardable("too long"), "invalid-request"],
  ] as const;
  for (const [error, code] of refusals)
    it(`answers ${error.name} with ${code}`, async () => {
      const { cells } = scene(() => Promise.reject(error));
      assert.equal((await problemOf(cells.call(1, post()))).code, code);
    });

  it("throws on what is a defect", async () => {
    const defect = new TypeError("a defect");
    const { cells } = scene(() => Promise.reject(defect));
    await assert.rejects(cells.call(1, get()), defect);
  });

  it("cuts off another node's stream whose reader has vanished, which only this node can see", async () => {
    let cancelled = 0;
    const { cells, watched } = scene(async () => {
      const body = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled += 1) });
      return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
    });
    const peer = { address: "192.0.2.7", port: 4711 };
    const answer = await cells.call(1, get(), { peer: () => peer });
    assert.deepEqual([...watched.values()], [peer]);
    const reading = answer.text().catch(() => "broken off");
    for (const stream of watched.keys()) stream.fail();
    assert.equal(await reading, "broken off");
    assert.equal(cancelled, 1);
    assert.equal(watched.size, 0);
    const left = await cells.call(1, get(), { peer: () => peer });
    await left.body?.cancel();
    assert.equal(watched.size, 0);
    // Of what is part of another stream, that one has the reader.
    await (await cells.call(1, get(), { isPart: true })).body?.cancel();
    assert.equal(cancelled, 3);
  });

  it("lets the call be silent while it waits, and no longer than its answer, or its stream", async () => {
    let held = 0;
    const context = {
      holdOpen: () => {
        held += 1;
        return () => {
          held -= 1;
        };
      },
    };
    const stream = later<ReadableStreamDefaultController<Uint8Array>>();
    const answers: Record<string, Forward> = {
      plain: ok,
      failing: () => Promise.reject(new NoOwner("nobody")),
      stream: async () => {
        const body = new ReadableStream<Uint8Array>({ start: (controller) => stream.resolve(controller) });
        return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
      },
    };
    let kind = "plain";
    const { cells } = scene((...of) => {
      assert.equal(held, 1);
      return (answers[kind] ?? ok)(...of);
    });
    await cells.call(1, get(), context);
    assert.equal(held, 0);
    kind = "failing";
    await problemOf(cells.call(1, get(), context));
    assert.equal(held, 0);
    kind = "stream";
    const answer = await cells.call(1, get(), context);
    const reader = (answer.body ?? assert.fail()).getReader();
    (await stream.promise).enqueue(new Uint8Array(3));
    assert.equal((await reader.read()).value?.length, 3);
    assert.equal(held, 1);
    (await stream.promise).close();
    assert.equal((await reader.read()).done, true);
    assert.equal(held, 0);
    cells.enter(0, async () => new Response(`${held}`));
    assert.equal(await (await cells.call(0, get(), context)).text(), "0");
    const cancelled = await cells.call(1, get(), context);
    await cancelled.body?.cancel();
    assert.equal(held, 0);
  });
});
