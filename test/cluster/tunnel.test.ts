import assert from "node:assert/strict";
import { NoOwner, NotForwardable, TunnelFull } from "../../src/cluster/tunnel-errors.ts";
import { needs } from "../support/needs.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";
import { later, quick, tunnelRig, until } from "../support/tunnel-rig.ts";

const skip = needs("nats");

let nats: Nats;
before(async () => {
  if (skip === false) nats = await startNats();
});
after(async () => {
  if (skip === false) await nats[Symbol.asyncDispose]();
});

/** As `it`, where there is a server of NATS. */
function test(name: string, body: () => Promise<void>): void {
  it(name, body, { skip });
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const echo = async (request: Request) => {
  const { method, url, headers } = request;
  return Response.json({ method, url, headers: [...headers], body: await request.text() });
};

describe("Tunnel.forward()", () => {
  test("carries method, path, query, headers and body there, and status, headers and body back", async () => {
    await using rig = await tunnelRig(nats, async (request) => {
      const { body } = await echo(request);
      return new Response(body, { status: 207, headers: { "content-type": "text/x", "x-a": "b" } });
    });
    const response = await rig.call("/v1/a%2Fb?x=%20&x=2", {
      method: "PATCH",
      headers: { authorization: "Bearer t", "x-latin": "caf\u00e9" },
      body: "h\u00e9llo",
    });
    assert.equal(response.status, 207);
    assert.equal(response.headers.get("content-type"), "text/x");
    assert.equal(response.headers.get("x-a"), "b");
    const seen = (await response.json()) as Seen;
    assert.equal(seen.method, "PATCH");
    assert.equal(seen.url, "http://connack.test/v1/a%2Fb?x=%20&x=2");
    assert.equal(seen.body, "h\u00e9llo");
    const headers = new Map(seen.headers);
    assert.equal(headers.get("authorization"), "Bearer t");
    assert.equal(headers.get("x-latin"), "caf\u00e9");
  });

  for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"]) {
    test(`carries a ${method} without a body`, async () => {
      await using rig = await tunnelRig(nats, echo);
      const seen = (await (await rig.call("/", { method })).json()) as Seen;
      assert.equal(seen.method, method);
      assert.equal(seen.body, "");
    });
  }

  test("carries answers without body as such: HEAD, 204, 304", async () => {
    await using rig = await tunnelRig(nats, ({ url, method }) => {
      if (method === "HEAD") return new Response("of a GET", { headers: { "content-length": "8" } });
      return new Response(null, { status: Number(new URL(url).pathname.slice(1)), headers: { etag: '"1"' } });
    });
    const head = await rig.call("/", { method: "HEAD" });
    assert.equal(head.body, null);
    assert.equal(head.headers.get("content-length"), "8");
    for (const status of [204, 304]) {
      const response = await rig.call(`/${status}`);
      assert.equal(response.status, status);
      assert.equal(response.body, null);
      assert.equal(response.headers.get("etag"), '"1"');
    }
  });

  test("keeps repeated Set-Cookie headers apart, and drops what is of one network connection, both ways", async () => {
    await using rig = await tunnelRig(nats, async (request) => {
      const { headers } = (await (await echo(request)).json()) as Seen;
      const answer = new Headers({ connection: "x-hop", "x-hop": "1", "keep-alive": "timeout=5" });
      answer.append("set-cookie", "a=1; Path=/");
      answer.append("set-cookie", "b=2, c");
      answer.set("x-seen", headers.map(([name]) => name).join(" "));
      return new Response("x", { headers: answer });
    });
    const response = await rig.call("/", { headers: { "x-own": "1", te: "trailers", upgrade: "h2c" } });
    assert.deepEqual(response.headers.getSetCookie(), ["a=1; Path=/", "b=2, c"]);
    assert.equal(response.headers.get("x-hop"), null);
    assert.equal(response.headers.get("keep-alive"), null);
    assert.equal(response.headers.get("connection"), null);
    const seen = (response.headers.get("x-seen") ?? "").split(" ");
    assert.ok(seen.includes("x-own"));
    assert.ok(!seen.includes("te") && !seen.includes("upgrade"));
  });

  test("tells the owner who called, and for how long they wait", async () => {
    const infos: unknown[] = [];
    await using rig = await tunnelRig(nats, (_, info) => {
      infos.push(info);
      return new Response("ok");
    });
    await rig.call("/", {}, { caller: "203.0.113.7:4711", withinMs: 9_000 });
    await rig.call("/");
    const [told, untold] = infos as { caller: string; withinMs: number }[];
    assert.equal(told?.caller, "203.0.113.7:4711");
    assert.ok(told.withinMs > 8_000 && told.withinMs <= 9_000);
    assert.deepEqual(untold, { caller: null, withinMs: null });
  });

  test("answers 500 without a word where the handler throws", async () => {
    await using rig = await tunnelRig(nats, () => {
      throw new Error("secret");
    });
    const response = await rig.call("/");
    assert.equal(response.status, 500);
    assert.equal(await response.text(), "");
  });

  test("fails an answer that is not as long as it said, and a request likewise", async () => {
    const cut = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(Buffer.from("abc"));
        await new Promise((resolve) => setTimeout(resolve, 20));
        controller.close();
      },
    });
    await using rig = await tunnelRig(nats, () => new Response(cut, { headers: { "content-length": "5" } }));
    const response = await rig.call("/");
    await assert.rejects(response.text());
  });

  test("refuses a head that is too long, before anything is sent", async () => {
    await using rig = await tunnelRig(nats, echo);
    await assert.rejects(rig.call("/", { headers: { a: "x".repeat(70_000) } }), NotForwardable);
    assert.deepEqual(rig.tunnel.figures, { made: 0, served: 0, bufferedBytes: 0, malformed: 0 });
  });

  test("refuses a head that the owner would not take, which one runtime's server lets in, at once", async () => {
    await using rig = await tunnelRig(nats, echo);
    await assert.rejects(rig.call("/", { headers: { a: "b\u007fc" } }), NotForwardable);
    assert.deepEqual([rig.tunnel.figures.made, rig.owner.figures.malformed], [0, 0]);
  });

  test("carries 1,000 calls at once, each with its own answer, and keeps nothing", async () => {
    await using rig = await tunnelRig(nats, echo, {});
    const calls = Array.from({ length: 1_000 }, async (_, i) => {
      const response = await rig.call(`/${i}`, { method: "POST", body: `body ${i}` });
      const { url, body } = (await response.json()) as Seen;
      assert.equal(url, `http://connack.test/${i}`);
      assert.equal(body, `body ${i}`);
    });
    await Promise.all(calls);
    for (const each of [rig.tunnel, rig.owner])
      assert.deepEqual(each.figures, { made: 0, served: 0, bufferedBytes: 0, malformed: 0 });
  });

  test("refuses more calls than there may be, here", async () => {
    const go = later();
    const limits = { ...quick, mostCalls: 3 };
    await using rig = await tunnelRig(nats, () => go.promise.then(() => new Response("ok")), limits);
    const calls = [1, 2, 3].map(() => rig.call("/"));
    await assert.rejects(rig.call("/"), (error) => error instanceof TunnelFull && error.where === "here");
    go.resolve();
    for (const call of calls) assert.equal(await (await call).text(), "ok");
    assert.equal(await (await rig.call("/")).text(), "ok");
  });

  test("leaves half of its calls to those that are no parts of other ones", async () => {
    const go = later();
    const limits = { ...quick, mostCalls: 4 };
    await using rig = await tunnelRig(nats, () => go.promise.then(() => new Response("ok")), limits);
    const part = () => rig.call("/", {}, { isPart: true });
    const calls = [part(), part()];
    await assert.rejects(part(), (error) => error instanceof TunnelFull && error.where === "here");
    calls.push(rig.call("/"), rig.call("/"));
    go.resolve();
    for (const call of calls) assert.equal(await (await call).text(), "ok");
  });

  test("refuses more calls than the owner serves, and they are not carried out", async () => {
    const go = later();
    let served = 0;
    const handler = async () => {
      served += 1;
      await go.promise;
      return new Response("ok");
    };
    await using rig = await tunnelRig(nats, handler, { ...quick, mostCalls: 2 });
    await using other = await tunnelRig(nats, handler, quick);
    const calls = [rig.call("/"), rig.call("/")];
    await until(() => served === 2, "two are served");
    const refused = other.tunnel.forward(rig.subject, new Request("http://a/"));
    await assert.rejects(refused, (error) => error instanceof TunnelFull && error.where === "owner");
    assert.equal(served, 2);
    go.resolve();
    await Promise.all(calls);
  });

  test("lets a call look on while the owner may not serve, for it may not be the owner", async () => {
    await using rig = await tunnelRig(nats, () => new Response("served"));
    let may = false;
    const subject = `${rig.subject}.sometimes`;
    rig.owner.serve(
      subject,
      () => new Response("served"),
      () => may,
    );
    await rig.ownerConnection.flush();
    const forward = (ownerWithinMs: number) =>
      rig.tunnel.forward(subject, new Request("http://a/"), { ownerWithinMs });
    await assert.rejects(forward(0), NoOwner);
    const found = forward(10_000);
    may = true;
    assert.equal(await (await found).text(), "served");
  });

  test("refuses a call for whose body there is no room, and takes it when there is", async () => {
    const limits = { ...quick, mostBufferedBytes: 40_000, windowBytes: 20_000 };
    const go = later();
    await using rig = await tunnelRig(nats, () => go.promise.then(() => new Response("ok")), limits);
    const calls = [rig.call("/"), rig.call("/")];
    await assert.rejects(rig.call("/"), TunnelFull);
    go.resolve();
    for (const call of calls) assert.equal((await call).status, 200);
    assert.equal((await rig.call("/")).status, 200);
    assert.equal(rig.tunnel.figures.bufferedBytes, 0);
  });
});
