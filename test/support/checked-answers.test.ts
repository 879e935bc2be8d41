import assert from "node:assert/strict";
import { CheckedAnswers } from "./checked-answers.ts";
import { answerRules } from "./document-of-run.ts";
import { describe, it } from "./test.ts";

interface Given {
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | null;
}

const json = { "content-type": "application/json" };
const ofProblem = { "content-type": "application/problem+json" };

function problem(code: string, status: number): string {
  const about = { type: `/problems/${code}`, title: "t", detail: "d", instance: "urn:request:1" };
  return JSON.stringify({ ...about, status, code, retryable: false });
}

/** What there is to say of an answer, and the answer as it comes out. */
async function judged({ method = "GET", path = "/healthz", status = 200, headers = json, body }: Given) {
  const answers = new CheckedAnswers(await answerRules());
  const given = body === undefined ? '{"ok":true}' : body;
  const fetchIt = answers.of(() => new Response(given, { status, headers }));
  const response = await fetchIt(new Request(`http://127.0.0.1${path}`, { method }));
  const text = await response.text();
  try {
    answers.assertDocumented();
    return { text, said: "" };
  } catch (error) {
    return { text, said: (error as Error).message };
  }
}

describe("CheckedAnswers", () => {
  it("says nothing of what is as the document has it, and changes nothing", async () => {
    assert.deepEqual(await judged({}), { text: '{"ok":true}', said: "" });
    const stream =
      'retry: 2000\n: connack\n\nid: 1\nevent: shutdown\ndata: {"type":"shutdown","at":"2026-01-02T03:04:05Z"}\n\n';
    const sse = { "content-type": "text/event-stream" };
    assert.deepEqual(await judged({ path: "/events?a", headers: sse, body: stream }), {
      text: stream,
      said: "",
    });
  });

  const wrong: readonly (readonly [string, Given, RegExp])[] = [
    ["a status", { status: 201 }, /GET \/healthz 201: the document has no 201 there/],
    ["a member", { body: '{"ok":true,"a":1}' }, /GET \/healthz 200: \/a is not in the document/],
    ["what is no JSON", { body: "{" }, /no JSON/],
    [
      "a media type",
      { headers: { "content-type": "text/plain" } },
      /Content-Type is text\/plain, and the document has application\/json/,
    ],
    ["no body", { body: null, headers: {} }, /it has no body/],
    ["a header", { headers: { ...json, "x-own": "1" } }, /does not have the header x-own/],
    [
      "a code",
      { status: 500, headers: ofProblem, body: problem("dns-error", 500) },
      /does not have the problem dns-error/,
    ],
    ["an unknown path", { path: "/none" }, /has no such call/],
    [
      "another code there",
      { path: "/none", status: 404, headers: ofProblem, body: problem("dns-error", 404) },
      /does not have the problem dns-error/,
    ],
    [
      "Allow",
      {
        method: "PUT",
        status: 405,
        headers: { ...ofProblem, allow: "POST" },
        body: problem("method-not-allowed", 405),
      },
      /Allow is POST, and the document has GET/,
    ],
    [
      "an event",
      {
        path: "/events",
        headers: { "content-type": "text/event-stream" },
        body: 'data: {"type":"shutdown"}\n\n',
      },
      /\/events 200: .*at is missing/,
    ],
    [
      "a line",
      {
        path: "/events",
        headers: { "content-type": "application/x-ndjson" },
        body: '{"type":"open","at":1}\n',
      },
      /\/events 200: .*at is not of type string/,
    ],
  ];
  for (const [name, given, said] of wrong)
    it(`tells of ${name} that the document does not have`, async () => {
      assert.match((await judged(given)).said, said);
    });

  it("knows what there is to answer where there is no call", async () => {
    const none = { path: "/none", status: 404, headers: ofProblem, body: problem("not-found", 404) };
    assert.equal((await judged(none)).said, "");
    const allow = { ...ofProblem, allow: "GET" };
    const other = { method: "PUT", status: 405, headers: allow, body: problem("method-not-allowed", 405) };
    assert.equal((await judged(other)).said, "");
  });

  it("asks a stream for nothing before it is asked, and lets go of it when its reader does", async () => {
    const answers = new CheckedAnswers(await answerRules());
    const asked: string[] = [];
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          asked.push("pull");
          controller.enqueue(new TextEncoder().encode(": a\n\n"));
        },
        cancel: () => void asked.push("cancel"),
      },
      { highWaterMark: 0 },
    );
    const headers = { "content-type": "text/event-stream" };
    const response = await answers.of(() => new Response(source, { headers }))(
      new Request("http://127.0.0.1/events"),
    );
    assert.deepEqual(asked, []);
    const reader = response.body?.getReader();
    await reader?.read();
    assert.deepEqual(asked, ["pull"]);
    await reader?.cancel();
    assert.deepEqual(asked, ["pull", "cancel"]);
  });
});
