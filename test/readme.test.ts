import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startDemoBroker } from "../src/demo/broker.ts";
import { settingsTable } from "../src/settings.ts";
import { adminToken } from "./support/access.ts";
import { durablePlace } from "./support/durable-app.ts";
import { needs } from "./support/needs.ts";
import { denoFlags, runtimeArguments } from "./support/program.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { withTokens } from "./support/tenants.ts";
import { describe, it } from "./support/test.ts";

const run = promisify(execFile);
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

interface Example {
  /** The status that curl shall see; `stream`; or `ok`, for a command that is to end well. */
  readonly expected: string;
  readonly script: string;
}

/** Sections that are about a server with tokens, and with pages that may call. */
const guardedSections = new Set(["Tokens and tenants", "Browser pages"]);

const sections = readme.split(/^## /m).map((text) => {
  const isGuarded = guardedSections.has(text.split("\n")[0] ?? "");
  return { isGuarded, examples: examplesOf(text) };
});

/** Each `sh` block: its first line says what shall come of it. */
function examplesOf(text: string): Example[] {
  return [...text.matchAll(/```sh\n# (\S+)\n([\s\S]+?)```/g)].map(([, expected = "", script = ""]) => ({
    expected,
    script,
  }));
}

const examples = (isGuarded: boolean) =>
  sections.flatMap((section) => (section.isGuarded === isGuarded ? section.examples : []));

/** `bun start`, from whatever folder. */
const bunStart = `bun() { shift; command ${[process.execPath, ...runtimeArguments("src/main.ts")].join(" ")} "$@"; }`;

/** Settings of the test's own process are not passed on. */
const ownEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("CONNACK_")),
);

/** Runs them in order, in a folder that has the operator's token, against a server and a broker. */
async function runAll(found: readonly Example[], folder: string, url: string, broker: number): Promise<void> {
  for (const { expected, script } of found) {
    const local = script
      .replaceAll("http://127.0.0.1:8080", url)
      .replaceAll("mqtt://127.0.0.1:1883", `mqtt://127.0.0.1:${broker}`);
    const stream = expected === "stream";
    const limit = stream ? "--max-time 1" : "--max-time 20";
    const curl = `curl() { command curl ${limit} -w '\\nSTATUS %{http_code}' "$@"; }`;
    const after = stream ? "test $? = 28" : "";
    const commands = ["umask 077", bunStart, curl, local, after].join("\n");
    const { stdout } = await run("bash", ["-c", commands], { cwd: folder, env: ownEnvironment });
    if (expected === "ok") continue;
    const status = /STATUS (\d+)$/.exec(stdout)?.[1];
    assert.equal(status, stream ? "200" : expected, `${script}\n${stdout}`);
    if (stream) assert.match(stdout, /snapshot|event: message|"type":"message"/);
  }
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
  for (const [name, isGuarded, least, more] of [
    ["", false, 15, {}],
    [" with tokens", true, 12, { ...withTokens, CONNACK_CORS_ORIGINS: "https://app.example" }],
  ] as const)
    it(
      `has examples${name} of which each does what it says, in order`,
      async () => {
        const broker = await startDemoBroker(0);
        using directory = temporaryDirectory();
        writeFileSync(join(directory.path, "admin.token"), adminToken, { mode: 0o600 });
        await using place = durablePlace();
        const app = await place.start({ ...place.environment, ...more });
        const found = examples(isGuarded);
        assert.ok(found.length >= least, `${found.length} examples found`);
        await runAll(found, directory.path, app.url, broker.port);
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
