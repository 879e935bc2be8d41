import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { startDemoBroker } from "../src/demo/broker.ts";
import { settingsTable } from "../src/settings.ts";
import { durablePlace } from "./support/durable-app.ts";
import { needs } from "./support/needs.ts";
import { denoFlags } from "./support/program.ts";
import { describe, it } from "./support/test.ts";

const run = promisify(execFile);
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

interface Example {
  readonly expected: string;
  readonly script: string;
}

/** Each `sh` block: its first line says the status that curl shall see, or that it is a stream. */
function examples(): Example[] {
  return [...readme.matchAll(/```sh\n# (\S+)\n([\s\S]+?)```/g)].map(([, expected = "", script = ""]) => ({
    expected,
    script,
  }));
}

/** A table without the padding that the formatter puts into its cells. */
function unpadded(table: string): string {
  return table.replaceAll(/ +\|/g, " |").replaceAll(/\| ?-+ ?(?=\|)/g, "|---");
}

function settingsRows(): string {
  const rows = Object.entries(settingsTable).map(
    ([name, { shownDefault, fallback, sentence }]) =>
      `| \`CONNACK_${name}\` | ${shownDefault ?? `\`${typeof fallback === "string" ? fallback : JSON.stringify(fallback)}\``} | ${sentence} |`,
  );
  return ["| name | default | meaning |", "|---|---|---|", ...rows].join("\n");
}

describe("README", () => {
  it(
    "has examples of which each does what it says, in order",
    async () => {
      const broker = await startDemoBroker(0);
      await using place = durablePlace();
      const app = await place.start();
      const found = examples();
      assert.ok(found.length >= 15, `${found.length} examples found`);
      for (const { expected, script } of found) {
        const local = script
          .replaceAll("http://127.0.0.1:8080", app.url)
          .replaceAll("mqtt://127.0.0.1:1883", `mqtt://127.0.0.1:${broker.port}`);
        const stream = expected === "stream";
        const limit = stream ? "--max-time 1" : "--max-time 20";
        const { stdout } = await run("bash", [
          "-c",
          `curl() { command curl ${limit} -w '\\nSTATUS %{http_code}' "$@"; }\n${local}${stream ? "\ntest $? = 28" : ""}`,
        ]);
        const status = /STATUS (\d+)$/.exec(stdout)?.[1];
        assert.equal(status, stream ? "200" : expected, `${script}\n${stdout}`);
        if (stream) assert.match(stdout, /snapshot|event: message|"type":"message"/);
      }
      await app.stop();
      await broker.close();
    },
    { skip: needs("curl"), timeout: 60_000 },
  );

  it("runs Deno as the tests do", () => {
    assert.ok(readme.includes(`deno run ${denoFlags.join(" ")} src/main.ts`));
  });

  it("lists every setting as it is", () => {
    assert.ok(unpadded(readme).includes(settingsRows()), `README.md needs this table:\n${settingsRows()}`);
  });
});
