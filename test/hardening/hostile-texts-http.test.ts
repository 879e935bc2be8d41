import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { assertLogIsSafe, odd, odder } from "../support/odd-texts.ts";
import { publishesAt } from "../support/publish-scripts.ts";
import { openHome } from "../support/raw-publish.ts";
import { describe } from "../support/test.ts";

/** What percent-encoding can carry, and a request line is long enough for. */
const texts = [...odd, ...odder].filter(
  ([, text]) => text.isWellFormed() && encodeURIComponent(text).length < 8_000,
);

/** What HTTP lets stand in a header, once its blank ends are gone. */
const ascii = texts.filter(([, text]) => /^[\u0021-\u007e]([\t\u0020-\u007e]*[\u0021-\u007e])?$/.test(text));

const encoded = encodeURIComponent;

/** A 4xx that names the parameter, in a header or in the query, or the path that is not there. */
function assertRefused(answer: Answer, name: string, what: string): void {
  const said = `${name} with ${what}: ${answer.status} ${answer.text.slice(0, 400)}`;
  assert.ok(answer.status >= 400 && answer.status < 500, said);
  if (answer.status !== 422) return;
  const named: string[] = answer.body.errors.map(
    (error: { parameter?: string; pointer?: string }) => error.parameter ?? error.pointer,
  );
  assert.ok(
    named.some((each) => each.toLowerCase() === name.toLowerCase()),
    said,
  );
}

describe("hostile texts in URLs and headers", () => {
  itHolds("options of a raw publish arrive exactly, or 422 that names them", async (rig) => {
    const peer = await openHome(rig);
    // oxlint-disable-next-line no-explicit-any
    const options: readonly (readonly [string, string, (packet: any) => unknown])[] = [
      ["topic", "", ({ topic }) => topic],
      ["contentType", "Mqtt-Content-Type", ({ properties }) => properties?.contentType ?? ""],
      ["responseTopic", "Mqtt-Response-Topic", ({ properties }) => properties?.responseTopic],
      ["correlationData", "Mqtt-Correlation-Data", ({ properties }) => String(properties?.correlationData)],
      ["userProperty", "Mqtt-User-Property", ({ properties }) => properties?.userProperties?.a],
      ["qos", "Mqtt-Qos", () => null],
      ["retain", "Mqtt-Retain", () => null],
      ["messageExpiryInterval", "Mqtt-Message-Expiry-Interval", () => null],
    ];
    for (const [name, header, seen] of options)
      for (const [what, text] of texts) {
        if (name === "retain" && text === "") continue;
        const value = name === "userProperty" ? `a=${text}` : text;
        const topic = name === "topic" ? "" : "topic=a&";
        const qos = name === "qos" ? "" : "&qos=1";
        const byQuery = () =>
          rig.call("POST", `/connections/home/publish?${topic}${name}=${encoded(value)}${qos}`, "x");
        const inHeader = name === "userProperty" ? `a=${encoded(text)}` : encoded(text);
        const byHeader = () =>
          rig.call("POST", `/connections/home/publish?topic=a${qos}`, "x", { [header]: inHeader });
        for (const [call, named] of [
          [byQuery, name],
          ...(header === "" ? [] : [[byHeader, header] as const]),
        ] as const) {
          const sent = publishesAt(peer).length;
          const answer = await call();
          if (answer.status !== 200) {
            assertRefused(answer, named, what);
            assert.equal(publishesAt(peer).length, sent);
          } else assert.equal(seen(publishesAt(peer)[sent]), text, `${named} changed ${what}`);
        }
      }
    // Bytes beyond ASCII are not guessed at.
    const raw = await rig.call("POST", "/connections/home/publish?topic=a&qos=1", "x", {
      "Mqtt-Content-Type": "caf\u00e9",
    });
    assertRefused(raw, "Mqtt-Content-Type", "Latin-1");
    assertLogIsSafe(rig.app.logs);
  });

  itHolds("subscriptions: each filter is there under its name, and goes", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    for (const [what, text] of texts) {
      const made = await rig.call("POST", "/connections/home/subscriptions", {
        topicFilter: text,
        userProperties: { a: text },
      });
      const byName = `/connections/home/subscriptions?topicFilter=${encoded(text)}`;
      if (made.status === 422) {
        assert.match(made.body.errors[0].pointer, /^\/(topicFilter|userProperties)/, what);
        assert.equal((await rig.call("DELETE", byName)).status, 404, what);
        continue;
      }
      assert.equal(made.status, 201, `${what}: ${made.text}`);
      assert.equal(made.body.topicFilter, text);
      const { body } = await rig.call("GET", byName);
      assert.deepEqual(
        body.items.map(({ topicFilter, userProperties }: Answer["body"]) => [topicFilter, userProperties.a]),
        [[text, text]],
        what,
      );
      // URLs have no way to say the segments . and ..
      if (text !== "." && text !== "..") {
        const one = await rig.call("GET", made.headers.get("location") ?? "");
        assert.equal(one.body.topicFilter, text, `${what}: ${one.text}`);
      }
      assert.equal((await rig.call("DELETE", byName)).status, 204, what);
    }
    const history = await rig.call("GET", "/connections/home/events?format=json&limit=1000");
    const filters = history.body.items.filter(({ type }: Answer["body"]) => type === "subscribed");
    assert.ok(filters.length >= odd.length);
    await assertStreamsParse(rig, filters.length);
    assertLogIsSafe(rig.app.logs);
  });

  itHolds("parameters of each call: a success, or a 4xx that names them", async (rig) => {
    await openHome(rig);
    const parameters: readonly (readonly [method: string, path: string, name: string])[] = [
      ...["state", "label", "limit", "cursor"].map((name) => ["GET", "/connections", name] as const),
      ...["wait", "since"].map((name) => ["GET", "/connections/home", name] as const),
      ...["connection", "types", "format", "limit", "after"].map((name) => ["GET", "/events", name] as const),
      ...["after", "limit", "topic", "payload", "format", "qos"].map(
        (name) => ["GET", "/connections/home/messages", name] as const,
      ),
      ["GET", "/connections/home/retained", "topic"],
      ["GET", "/connections/home/subscriptions", "topicFilter"],
      ["DELETE", "/connections/home/subscriptions", "topicFilter"],
      ["GET", "/connections/home/outbox", "state"],
      ["GET", "/connections/home/outbox", "after"],
      ["GET", "/webhooks", "label"],
      ["GET", "/webhooks", "cursor"],
      ["POST", "/connections/home/ping", "wait"],
      ["POST", "/connections/home/publish", "queue"],
      ["POST", "/connections", "wait"],
      ["DELETE", "/connections/home", "reasonCode"],
      ["DELETE", "/connections/home", "force"],
      ["DELETE", "/connections/home", "drainMs"],
    ];
    for (const [method, path, name] of parameters)
      for (const [what, text] of texts) {
        if (method === "DELETE" && text === "") continue;
        const also = path.endsWith("events") && name !== "format" ? "&format=json" : "";
        const more = path.endsWith("retained") ? "&wait=0.01" : "";
        const body = method === "POST" && !path.endsWith("ping") ? { topic: "a" } : undefined;
        if (path.endsWith("events") && name === "format" && text === "") continue;
        const answer = await rig.call(method, `${path}?${name}=${encoded(text)}${also}${more}`, body);
        // Of a label or a connection that nobody has, a page is empty.
        if (answer.status === 200) JSON.parse(answer.text);
        // The broker of this test has none, and need not say so in time.
        else if (path.endsWith("retained") && answer.status === 504) continue;
        else if (path !== "/connections" || method !== "POST") assertRefused(answer, name, what);
        else assert.equal(answer.status, 422, what);
      }
    const found = await rig.call("GET", "/connections/home");
    assert.equal(found.status, 200);
    assertLogIsSafe(rig.app.logs);
  });

  itHolds("queries that are not percent-encoded UTF-8: 422 that names the parameter", async (rig) => {
    const peer = await openHome(rig);
    for (const broken of ["%", "%zz", "%ff", "a%c0%af", "%ed%a0%80", "%e2%82", "%u0041"])
      for (const [method, path, name] of [
        ["GET", "/connections/home/retained", "topic"],
        ["GET", "/connections/home/messages", "topic"],
        ["GET", "/connections/home/messages", "subscribe"],
        ["GET", "/connections/home/subscriptions", "topicFilter"],
        ["DELETE", "/connections/home/subscriptions", "topicFilter"],
        ["GET", "/connections", "label"],
        ["GET", "/events", "connection"],
        ["POST", "/connections/home/publish", "topic"],
      ] as const) {
        const answer = await rig.call(method, `${path}?${name}=${broken}`);
        assert.equal(answer.status, 422, `${path} ${broken}: ${answer.text}`);
        assert.equal(answer.body.errors[0].parameter, name);
      }
    assert.ok(peer.received.every(({ cmd }) => cmd === "connect"));
  });

  itHolds("segments of paths, and names of parameters: a 4xx", async (rig) => {
    await openHome(rig);
    for (const [what, text] of texts) {
      // A URL has no such segments, and without a name the path is another one.
      if (["", ".", ".."].includes(text)) continue;
      const segment = encoded(text);
      for (const path of [
        `/connections/${segment}`,
        `/connections/${segment}/events`,
        `/connections/${segment}/publish`,
        `/connections/home/messages/${segment}/payload`,
        `/connections/home/outbox/${segment}`,
        `/connections/home/subscriptions/${segment}`,
        `/connections/home/${segment}`,
        `/problems/${segment}`,
        `/webhooks/${segment}`,
        `/webhooks/${segment}/deliveries`,
        `/${segment}`,
      ]) {
        const { status } = await rig.call("GET", path);
        assert.ok([400, 404, 405, 422, 431].includes(status), `${path.slice(0, 200)}: ${status}`);
      }
      const put = await rig.call("PUT", `/connections/${segment}`, { url: "mqtt://127.0.0.1:1" });
      assert.ok(
        put.status === 422 || (put.status === 502 && /^[\w.~-]{1,64}$/.test(text)),
        `${what}: ${put.text}`,
      );
      const unknown = await rig.call("GET", `/connections?${segment}=1`);
      assert.equal(unknown.status, 422, what);
      const option = await rig.call("POST", `/connections/home/publish?topic=a&${segment}=1`, "x");
      assertRefused(option, text, what);
    }
    assertLogIsSafe(rig.app.logs);
  });

  itHolds("headers: taken, ignored, or a 4xx", async (rig) => {
    await openHome(rig);
    for (const [what, text] of ascii) {
      const keyed = await rig.call(
        "POST",
        "/connections/home/publish",
        { topic: "a" },
        { "idempotency-key": text },
      );
      if (/^[\u0021-\u007e]{1,255}$/.test(text)) assert.equal(keyed.status, 202, what);
      else assertRefused(keyed, "Idempotency-Key", what);
      const named = await rig.call("GET", "/healthz", undefined, { "x-request-id": text });
      assert.equal(named.status, 200);
      if (!/^[\w=-]{1,64}$/.test(text)) assert.notEqual(named.headers.get("x-request-id"), text, what);
      for (const header of ["prefer", "accept", "if-match", "if-none-match", "last-event-id", "user-agent"]) {
        const { status } = await rig.call("GET", "/connections/home", undefined, { [header]: text });
        assert.ok([200, 304, 412].includes(status), `${header} with ${what}: ${status}`);
      }
      const resumed = await rig.call("GET", "/events?format=json", undefined, { "last-event-id": text });
      assert.equal(resumed.status, 200);
      const accepted = await rig.call("GET", "/connections/home/messages", undefined, { accept: text });
      assert.ok([200, 406].includes(accepted.status), what);
      const typed = await rig.call("POST", "/connections", "{}", { "content-type": text });
      assert.equal(typed.status, 415, what);
    }
    assertLogIsSafe(rig.app.logs);
  });
});

/** Each line of both kinds of stream is one, though it tells of texts with line ends. */
async function assertStreamsParse(rig: Rig, count: number): Promise<void> {
  for (const format of ["sse", "ndjson"]) {
    const hangUp = new AbortController();
    const { signal } = hangUp;
    const { body } = await fetch(
      `${rig.app.url}/connections/home/events?format=${format}&types=subscribed&lastEventId=earliest`,
      { signal },
    );
    let text = "";
    const seen = () => text.split(/\n/).filter((line) => line.includes('"type":"subscribed"')).length;
    const decoder = new TextDecoder();
    for await (const chunk of body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (seen() >= count && text.endsWith("\n")) break;
    }
    hangUp.abort();
    assert.equal(seen(), count);
    for (const line of text.split("\n").filter(Boolean)) {
      const data =
        format === "sse" ? /^(?:data: (.*)|id: \S+|event: [a-z-]+|retry: \d+|:.*)$/s.exec(line) : ["", line];
      assert.ok(data !== null, line);
      if (data[1] !== undefined && data[1] !== "") JSON.parse(data[1]);
    }
  }
}
