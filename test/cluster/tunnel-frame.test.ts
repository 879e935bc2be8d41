import assert from "node:assert/strict";
import * as fc from "fast-check";
import * as frames from "../../src/cluster/tunnel-frame.ts";
import { asHead, endToEnd, toRequest, toResponse, type Head } from "../../src/cluster/tunnel-head.ts";
import { describe, it } from "../support/test.ts";

const head: Head = { method: "GET", url: "http://a/", headers: [["a", "b"]], body: "whole" };
const first = new Uint8Array([1, 2, 3]);

describe("decode()", () => {
  it("reads what was written, of each kind", () => {
    const start = frames.encodeStart("open", 7, 1, frames.encodeHead(head), first);
    assert.deepEqual(frames.decode(start), { id: 7, seq: 1, kind: "open", head, first });
    assert.deepEqual(frames.decode(frames.encodeAccept(7, 1, "_INBOX.a", 9, 16_384)), {
      ...{ id: 7, seq: 1, kind: "accept", inbox: "_INBOX.a", theirId: 9, window: 16_384 },
    });
    const piece = frames.decode(frames.encodePiece(2 ** 32 - 1, 2 ** 32 - 1, first));
    assert.deepEqual(piece, { id: 2 ** 32 - 1, seq: 2 ** 32 - 1, kind: "piece", piece: first });
    assert.deepEqual(frames.decode(frames.encodeEnd(1, 2)), { id: 1, seq: 2, kind: "end" });
    assert.deepEqual(frames.decode(frames.encodeCredit(1, 2, 99)), {
      id: 1,
      seq: 2,
      kind: "credit",
      credit: 99,
    });
    const abort = frames.decode(frames.encodeAbort(1, 2, "lost"));
    assert.deepEqual(abort, { id: 1, seq: 2, kind: "abort", reason: "lost" });
    const calls = [
      { id: 1, seq: 5 },
      { id: 2 ** 32 - 1, seq: 0 },
    ];
    const ping = frames.decode(frames.encodePing("_INBOX.a", calls));
    const listed = new Map(calls.map(({ id, seq }) => [id, seq]));
    assert.deepEqual(ping, { id: 0, seq: 0, kind: "ping", inbox: "_INBOX.a", calls: listed });
  });

  it("takes anything without throwing, and what is cut off for nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 9 }), (bytes, kind) => {
        if (bytes.length > 1) bytes.set([1, kind]);
        frames.decode(bytes);
      }),
    );
    const whole = frames.encodeStart("open", 7, 1, frames.encodeHead(head), new Uint8Array(0));
    for (let length = 0; length < whole.length; length += 1)
      assert.equal(frames.decode(whole.subarray(0, length)), null);
  });

  it("keeps nothing of the message that a piece came in", () => {
    const message = frames.encodePiece(1, 1, first);
    const frame = frames.decode(message);
    assert.ok(frame?.kind === "piece");
    message.fill(0);
    assert.deepEqual(frame.piece, first);
    assert.equal(frame.piece.buffer.byteLength, 3);
  });
});

describe("asHead()", () => {
  const bad: [string, unknown][] = [
    ["a name with a space", [["a b", "c"]]],
    ["a name with CR LF", [["a\r\nb", "c"]]],
    ["an empty name", [["", "c"]]],
    ["a value with CR LF", [["a", "b\r\nc: d"]]],
    ["a value with NUL", [["a", "b\0"]]],
    ["a value that is no Latin-1", [["a", "\u20ac"]]],
    ["a value that is a number", [["a", 1]]],
    ["three", [["a", "b", "c"]]],
    ["an object", { a: "b" }],
  ];
  for (const [name, headers] of bad) {
    it(`refuses headers with ${name}`, () => assert.equal(asHead({ ...head, headers }), null));
  }

  it("refuses members of other types", () => {
    for (const wrong of [
      { status: "200" },
      { status: 1.5 },
      { url: 1 },
      { body: "some" },
      { window: -1 },
      { caller: {} },
    ])
      assert.equal(asHead({ ...head, ...wrong }), null, JSON.stringify(wrong));
    for (const wrong of [null, 1, "x", []]) assert.equal(asHead(wrong), null);
  });
});

describe("toRequest() and toResponse()", () => {
  const { signal } = new AbortController();

  it("refuse what no server could have got, and no server may send", () => {
    const content = new Uint8Array(0);
    for (const wrong of [
      { method: "" },
      { method: "A B" },
      { url: "ftp://a/" },
      { url: "/a" },
      { url: "http://" },
    ])
      assert.equal(
        toRequest({ ...head, body: "none", ...wrong }, content, signal),
        null,
        JSON.stringify(wrong),
      );
    assert.equal(toRequest(head, content, signal), null, "a GET with a body");
    for (const status of [0, 101, 199, 600, 99_999])
      assert.equal(toResponse({ ...head, status }, content), null);
    assert.equal(toResponse({ ...head, status: 204 }, content), null);
  });
});

describe("endToEnd()", () => {
  it("drops what is of one network connection, and what Connection names", () => {
    const headers = new Headers({
      connection: "close, X-Mine",
      "x-mine": "1",
      te: "trailers",
      "keep-alive": "5",
      a: "b",
    });
    headers.append("transfer-encoding", "chunked");
    headers.append("upgrade", "h2c");
    assert.deepEqual(endToEnd(headers), [["a", "b"]]);
  });
});
