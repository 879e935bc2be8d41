import { readFile, rename, writeFile } from "node:fs/promises";
import { createApp } from "../../src/app.ts";
import { createLogger } from "../../src/log.ts";
import { parseSettings } from "../../src/settings.ts";
import type { Document } from "../../routes/reference/document.ts";
import { AnswerRules } from "./answer-rules.ts";

/** The rules of the document, made when an app starts for the first time in this process. */
export const answerRules = once(async () => new AnswerRules(JSON.parse(await textOfDocument()) as Document));

/** It is the same for all files of a run, whose runner says where the first of them is to leave it. */
async function textOfDocument(): Promise<string> {
  const place = process.env["CONNACK_TEST_DOCUMENT"];
  if (place === undefined) return makeDocument();
  const left = await readFile(place, "utf8").catch(() => null);
  if (left !== null) return left;
  const made = await makeDocument();
  const own = `${place}.${process.pid}`;
  await writeFile(own, made);
  // At once, so that no other reads a part of it.
  await rename(own, place);
  return made;
}

/** By an app of its own: to ask a test's would count as a call. */
async function makeDocument(): Promise<string> {
  const logger = createLogger({ level: "error", format: "json", write: () => {}, now: Date.now });
  await using app = await createApp(parseSettings({ CONNACK_STORE: "memory" }), logger, "0.0.0-test");
  const headers = { host: "127.0.0.1" };
  const response = await app.fetch(new Request("http://127.0.0.1/openapi.json", { headers }));
  return response.text();
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
