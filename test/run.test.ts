import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { adminToken } from "./support/access.ts";
import type { Answer } from "./support/app.ts";
import { runtimeArguments, startProgram, type Program } from "./support/program.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

const environment = { CONNACK_PORT: "0" };
const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);

function program(file: string, args: readonly string[], more: Record<string, string> = {}) {
  return startProgram(process.execPath, [...runtimeArguments(file), ...args], { ...environment, ...more });
}

describe("the command line", () => {
  for (const file of ["src/main.ts", "src/demo.ts"]) {
    for (const [arg, pattern] of [
      ["--help", /CONNACK_STREAM_WRITE_TIMEOUT_MS[^\n]*\n.*\n$/],
      ["--version", /^\d+\.\d+\.\d+\n$/],
    ] as const) {
      it(`${file} ${arg} prints it, and ends`, async () => {
        await using run = program(file, [arg]);
        assert.equal(await run.exited, 0, run.output());
        assert.match(run.output(), pattern);
        assert.doesNotMatch(run.output(), /listening|`|\]\(/);
      });
    }

    it(`${file} takes neither unknown options nor arguments: status 2, which are named`, async () => {
      for (const args of [["--port=80"], ["8080"], ["--config", "/dev/null", "stray"]]) {
        await using run = program(file, args);
        assert.equal(await run.exited, 2, run.output());
        assert.ok(run.output().startsWith(`${args.at(-1)}: `), run.output());
      }
    });
  }
});

/** The address that the demo prints first for a browser, when it has printed all. */
async function dashboardOf(run: Program): Promise<string> {
  await run.printed(/-X DELETE .*\n/);
  return (
    /Open the dashboard in a browser:\n\n {2}(\S+)\/\n/.exec(run.output())?.[1] ?? assert.fail(run.output())
  );
}

describe("demo.ts", () => {
  it(
    "prints commands for the address that it listens on",
    async () => {
      await using run = program("src/demo.ts", [], { CONNACK_HOST: "::1" });
      await run.printed(/-X DELETE .*\n/);
      const port = /listening on http:\/\/\[::1\]:(\d+)\n/.exec(run.output())?.[1];
      assert.equal(await dashboardOf(run), `http://[::1]:${port}`);
      const commands = [...run.output().matchAll(/curl .*(http:\/\/\S+?)\/connections/g)];
      assert.deepEqual(
        commands.map(([, base]) => base),
        Array.from({ length: 5 }, () => `http://[::1]:${port}`),
      );
    },
    { skip: hasIpv6 ? false : "this machine has no ::1" },
  );

  for (const [how, more, headers] of [
    ["", {}, {}],
    [
      " with access control",
      { CONNACK_ADMIN_TOKEN: adminToken, CONNACK_EGRESS_ALLOW: "loopback" },
      { authorization: `Bearer ${adminToken}` },
    ],
  ] as const)
    it(`opens connections to look at${how}: one that gets messages, one that waits, one that was refused`, async () => {
      await using run = program("src/demo.ts", [], more);
      const url = await dashboardOf(run);
      const get = async (path: string) =>
        (await fetch(`${url}/connections/${path}`, { headers })).json() as Promise<Answer["body"]>;
      for (const state of ["connected", "waiting", "refused"]) {
        const id = `example-${state}`;
        assert.match(run.output(), new RegExp(`^ {2}${id} `, "m"));
        const wanted = state === "refused" ? "failed" : state;
        for (let since = ""; ;) {
          const view = await get(`${id}${since}`);
          if (view.state === wanted) break;
          since = `?wait=20&since=${view.version}`;
        }
      }
      const { items } = await get("example-connected/messages?wait=20");
      assert.equal(items[0].topic, "demo/temperature");
    });

  for (const [how, args, more] of [
    ["it is told not to", ["--empty"], {}],
    ["it has a store, which outlives it", [], { CONNACK_STORE: "sqlite:" }],
    ["its broker is a forbidden destination", [], { CONNACK_ADMIN_TOKEN: adminToken }],
  ] as const)
    it(`opens none where ${how}`, async () => {
      using directory = temporaryDirectory();
      const store = "CONNACK_STORE" in more ? { CONNACK_STORE: `sqlite:${directory.path}/demo.db` } : {};
      await using run = program("src/demo.ts", args, { ...more, ...store });
      const url = await dashboardOf(run);
      const headers = { authorization: `Bearer ${adminToken}` };
      const list = await fetch(`${url}/connections`, "CONNACK_ADMIN_TOKEN" in more ? { headers } : {});
      assert.deepEqual(((await list.json()) as Answer["body"]).items, []);
      assert.doesNotMatch(run.output(), /^ {2}example-/m);
    });
});
