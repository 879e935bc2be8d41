import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { messages } from "../support/message-calls.ts";
import { allArrived, itMeets, type Parties } from "../support/message-parties.ts";
import { message } from "../support/publish-scripts.ts";
import { openScripted } from "../support/subscribe-scripts.ts";
import { describe } from "../support/test.ts";

const all = { request: { subscriptions: [{ topicFilter: "#", qos: 1 }] } } as const;
const pathOf = (id: string, connection = "home") => `/connections/${connection}/messages/${id}/payload`;

async function load(parties: Parties, id: string) {
  const response = await fetch(`${parties.app.url}${pathOf(id)}`);
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

describe("GET /connections/{id}/messages/{mid}/payload", () => {
  itMeets(
    "the bytes as they came, whatever they are",
    async (parties) => {
      const payloads = [
        Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
        Buffer.alloc(0),
        Buffer.from([0]),
        Buffer.from("\uFEFFü\u2028\u0085\u0000"),
        Buffer.from([0xed, 0xa0, 0x80]),
        Buffer.alloc(300_000, 0xff),
      ];
      for (const payload of payloads) await parties.say("t", payload);
      const items = await allArrived(parties);
      for (const [index, payload] of payloads.entries()) {
        const { response, bytes } = await load(parties, items[index].id);
        assert.equal(response.status, 200);
        assert.deepEqual(bytes, payload);
        assert.equal(response.headers.get("content-type"), "application/octet-stream");
      }
    },
    all,
  );

  itHolds(
    "nothing in it can act in a browser: an attachment of the type that it says, if that is one",
    async (rig) => {
      const types = [
        ["text/html", "text/html"],
        ["image/svg+xml", "image/svg+xml"],
        ["text/csv; charset=utf-8", "text/csv; charset=utf-8"],
        ["text/html\r\nSet-Cookie: a=b", "application/octet-stream"],
        ["text/html\r\n\r\n<script>", "application/octet-stream"],
        ["text/html\n", "application/octet-stream"],
        ["nonsense", "application/octet-stream"],
        ["", "application/octet-stream"],
        ["text/html, text/plain", "application/octet-stream"],
        ['multipart/form-data; boundary="a"', "application/octet-stream"],
        ["ü/ü", "application/octet-stream"],
        [`a/${"b".repeat(65)}`, "application/octet-stream"],
      ] as const;
      const { peer } = await openScripted(rig, accepts());
      for (const [contentType] of types)
        peer.send(message("t", "<script>alert(1)</script>", { properties: { contentType } }));
      const items = await messages(rig, types.length);
      for (const [index, [sent, shown]] of types.entries()) {
        const { status, headers } = await rig.call("GET", pathOf(items[index].id));
        assert.equal(status, 200, sent);
        assert.equal(headers.get("content-type"), shown, sent);
        assert.equal(headers.get("content-disposition"), "attachment");
        assert.equal(headers.get("x-content-type-options"), "nosniff");
        assert.equal(headers.get("content-security-policy"), "sandbox; default-src 'none'");
        assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
        assert.equal(headers.get("cache-control"), "no-store");
        assert.equal(headers.get("set-cookie"), null);
        assert.equal(items[index].properties.contentType, sent);
      }
    },
  );

  itMeets(
    "what is not there: 404, for one that has gone, that never was, and another connection's",
    async (parties) => {
      await parties.open({ id: "away", url: parties.mosquitto.url, subscriptions: [{ topicFilter: "#" }] });
      for (const text of ["1", "2", "3"]) await parties.say("t", text);
      const away = await parties.call("GET", "/connections/away/messages?wait=10");
      const items = (await allArrived(parties)).slice(-2);
      const [epoch] = items[0].id.split("-");
      assert.equal((await load(parties, items.at(-1).id)).response.status, 200);
      for (const id of [
        `${epoch}-0`,
        `${epoch}-1`,
        `${epoch}-999`,
        `${epoch}--1`,
        away.body.next,
        "earliest",
        "latest",
        "%00",
      ])
        assertProblem(await parties.call("GET", pathOf(id)), 404, "not-found");
      assertProblem(await parties.call("GET", pathOf(items[0].id, "away")), 404, "not-found");
      assertProblem(await parties.call("GET", pathOf(items[0].id, "nobody")), 404, "not-found");
      assertProblem(await parties.call("GET", `${pathOf(items.at(-1).id)}?raw`), 422, "invalid-request");
    },
    { request: { log: { messages: 3 }, subscriptions: [{ topicFilter: "#", qos: 1 }] } },
  );
});
