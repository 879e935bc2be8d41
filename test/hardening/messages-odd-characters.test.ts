import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds } from "../support/invariants.ts";
import { decoded, messages, payloadBytes, readMessages } from "../support/message-calls.ts";
import { assertLogIsSafe, odd } from "../support/odd-texts.ts";
import { message } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";

/** Payloads that are not UTF-8. */
const binary: readonly Buffer[] = [
  Buffer.from([0xff]),
  Buffer.from([0xc3]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  Buffer.from([0xfe, 0xff, 0x00, 0x61]),
  Buffer.from([0x61, 0x0a, 0xe2, 0x80]),
  Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
];

describe("S42: messages with odd characters", () => {
  for (const format of ["json", "sse", "ndjson"] as const) {
    itHolds(`S42: topics, payloads and properties come through ${format} as they were sent`, async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "home", url: broker.url });
      const peer = await broker.connection(1);
      await using stream = format === "json" ? null : await readMessages(rig.app, format);
      for (const [, text] of odd) {
        const properties = {
          contentType: text,
          responseTopic: text,
          correlationData: Buffer.from(text),
          userProperties: { [text]: text },
        };
        peer.send(message(text, text, { properties }));
      }
      const seen = stream === null ? await messages(rig, odd.length) : await stream.until(odd.length);
      assert.equal(seen.length, odd.length);
      for (const [index, [what, text]] of odd.entries()) {
        const { topic, payload, payloadEncoding, properties } = seen[index];
        assert.deepEqual([topic, payload, payloadEncoding], [text, text, "utf8"], what);
        assert.deepEqual([properties.contentType, properties.responseTopic], [text, text], what);
        assert.equal(properties.correlationData, text, what);
        assert.ok(JSON.stringify(properties.userProperties).includes(JSON.stringify(text)), what);
      }
      assertLogIsSafe(rig.app.logs);
    });

    itHolds(`S42: payloads that are not UTF-8 come through ${format} byte for byte`, async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "home", url: broker.url });
      const peer = await broker.connection(1);
      await using stream = format === "json" ? null : await readMessages(rig.app, format);
      for (const payload of binary) peer.send(message("b", payload));
      const seen = stream === null ? await messages(rig, binary.length) : await stream.until(binary.length);
      for (const [index, payload] of binary.entries()) {
        assert.equal(seen[index].payloadEncoding, "base64");
        assert.deepEqual(decoded(seen[index]), payload);
        const raw = await payloadBytes(rig.app, seen[index].id);
        assert.deepEqual(raw.bytes, payload);
      }
    });
  }

  itHolds("S42: payload=base64 and payload=json force the form, in each format", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const sent = [`{"a":[1,"\u2028"]}`, "not json", "\uFEFFx"].map((text) => Buffer.from(text));
    for (const payload of [...sent, binary[0]!]) peer.send(message("p", payload));
    await messages(rig, 4);
    const { body } = await rig.call("GET", "/connections/home/messages?payload=base64");
    assert.deepEqual(body.items.map(decoded), [...sent, binary[0]!]);
    for (const item of body.items) assert.equal(item.payloadEncoding, "base64");
    const forced = await rig.call("GET", "/connections/home/messages?payload=json");
    assert.deepEqual(
      [forced.body.items[0].payload, forced.body.items[0].payloadEncoding],
      [{ a: [1, "\u2028"] }, "json"],
    );
    // What is no JSON keeps a form that says what it is.
    assert.deepEqual(forced.body.items.slice(1).map(decoded), [...sent.slice(1), binary[0]!]);
  });

  itHolds("S42: the raw payload cannot act in a browser", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const properties = { contentType: "text/html\r\nSet-Cookie: a=b", payloadFormatIndicator: true };
    peer.send(message(`x"\r\n/evil.html`, "<script>alert(1)</script>", { properties }));
    peer.send(message("../../etc/passwd", "x", { properties: { contentType: "text/html" } }));
    for (const { id } of await messages(rig, 2)) {
      const { headers } = await payloadBytes(rig.app, id);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.match(headers.get("content-disposition") ?? "", /^attachment\b/);
      assert.match(headers.get("content-security-policy") ?? "", /\bsandbox\b/);
      assert.equal(headers.get("set-cookie"), null);
    }
  });
});
