import assert from "node:assert/strict";
import { Console } from "node:console";
import { once } from "node:events";
import { Writable } from "node:stream";
import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import { MessageChannel } from "node:worker_threads";
import * as fc from "fast-check";
import { createLogger } from "../src/log.ts";
import { Secret } from "../src/secret.ts";
import { describe, it } from "./support/test.ts";

/** Long enough not to stand in a text by chance. */
const values = fc.string({ minLength: 12, maxLength: 40 }).filter((text) => !/^[* ]+$/.test(text));
const secrets = fc.oneof(
  values.map((text) => ({ text, secret: new Secret<string | Uint8Array>(text) })),
  values.map((text) => ({ text, secret: new Secret<string | Uint8Array>(Buffer.from(text)) })),
);

/** What somebody may do with one without thinking of it. */
const ways: Readonly<Record<string, (secret: Secret<string | Uint8Array>) => unknown>> = {
  "a template": (secret) => `a ${secret as unknown as string}`,
  "a concatenation": (secret) => "a " + (secret as unknown as string),
  "String()": (secret) => String(secret),
  "toLocaleString()": (secret) => secret.toLocaleString(),
  "JSON.stringify()": (secret) => JSON.stringify({ secret, deep: { list: [secret] } }),
  "a spread": (secret) => JSON.stringify({ ...(secret as object) }),
  "Object.entries()": (secret) =>
    [...Object.entries(secret), ...Object.getOwnPropertyNames(secret), ...Reflect.ownKeys(secret)].join(),
  "structuredClone()": (secret) => inspect(structuredClone(secret), { showHidden: true, depth: 9 }),
  "a message to a thread": (secret) => serialize({ secret }).toString("latin1"),
  "util.inspect()": (secret) => inspect({ secret, map: new Map([[secret, secret]]) }, { depth: 9 }),
  "util.inspect() that shows what is hidden": (secret) =>
    inspect(secret, { showHidden: true, customInspect: false, getters: true, depth: 9 }),
  "util.format()": (secret) => format("%s %o %O %j", secret, secret, secret, secret),
  "an error": (secret) => {
    const error = new Error(`no: ${secret as unknown as string}`, { cause: secret });
    return `${error.stack} ${inspect(error)}`;
  },
  "an assertion": (secret) => {
    try {
      assert.deepEqual({ secret }, { secret: 1 });
    } catch (error) {
      return `${String(error)} ${inspect(error)}`;
    }
    return "";
  },
  "a log": (secret) => {
    const lines: string[] = [];
    for (const form of ["json", "text"] as const) {
      const write = (line: string) => lines.push(line);
      createLogger({ level: "debug", format: form, write, now: () => 0 }).info("x", { secret });
    }
    return lines.join("");
  },
  "the console": (secret) => {
    const chunks: string[] = [];
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        chunks.push(String(chunk));
        done();
      },
    });
    const console = new Console(stream);
    console.log(secret, { secret });
    console.dir(secret, { showHidden: true });
    return chunks.join("");
  },
};

describe("a Secret", () => {
  it("gives its value to reveal() alone", () => {
    fc.assert(
      fc.property(secrets, ({ text, secret }) => {
        assert.equal(Buffer.from(secret.reveal()).toString(), Buffer.from(text).toString());
      }),
    );
  });

  for (const [name, use] of Object.entries(ways)) {
    it(`does not show in ${name}`, () => {
      fc.assert(
        fc.property(secrets, ({ text, secret }) => {
          const shown = String(use(secret));
          const bytes = Buffer.from(text);
          const forms = [
            text,
            JSON.stringify(text).slice(1, -1),
            bytes.toString("latin1"),
            bytes.toString("hex"),
            bytes.toString("base64"),
            [...bytes].join(","),
            [...bytes].join(", "),
          ];
          for (const form of forms) assert.ok(!shown.includes(form), `${name} shows it: ${shown}`);
        }),
        { numRuns: 50 },
      );
    });
  }

  it("does not come out of a port: what arrives is empty", async () => {
    const { port1, port2 } = new MessageChannel();
    const arrived = once(port2, "message");
    port1.postMessage({ secret: new Secret("geheim") });
    const [message] = (await arrived) as [{ secret: object }];
    assert.deepEqual(Reflect.ownKeys(message.secret), []);
    assert.ok(!("reveal" in message.secret));
    port1.close();
    port2.close();
  });
});
