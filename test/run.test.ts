import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { runtimeArguments, startProgram } from "./support/program.ts";
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

  it(
    "demo.ts prints commands for the address that it listens on",
    async () => {
      await using run = program("src/demo.ts", [], { CONNACK_HOST: "::1" });
      await run.printed(/-X DELETE .*\n/);
      const port = /listening on http:\/\/\[::1\]:(\d+)\n/.exec(run.output())?.[1];
      const commands = [...run.output().matchAll(/curl .*(http:\/\/\S+?)\/connections/g)];
      assert.deepEqual(
        commands.map(([, base]) => base),
        Array.from({ length: 5 }, () => `http://[::1]:${port}`),
      );
    },
    { skip: hasIpv6 ? false : "this machine has no ::1" },
  );
});
