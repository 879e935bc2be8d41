import assert from "node:assert/strict";
import { parseTokenArguments } from "../../src/cli/token-arguments.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { describe, it } from "../support/test.ts";

const now = Date.parse("2030-01-01T00:00:00Z");
const parse = (...argv: string[]) => parseTokenArguments(argv, now);

function refusal(...argv: string[]): string {
  try {
    parse(...argv);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return assert.fail(`taken: ${argv.join(" ")}`);
}

describe("parseTokenArguments()", () => {
  it("reads what a token is to be", () => {
    const line = "create --name display --scopes connections:read,subscribe --tenant acme";
    assert.deepEqual(
      parse(
        ...line.split(" "),
        "--subscribe",
        "a/#",
        "--subscribe=b/+",
        "--expires",
        "30d",
        "--server",
        "http://x",
      ),
      {
        command: {
          kind: "create",
          fields: {
            name: "display",
            scopes: ["connections:read", "subscribe"],
            tenant: "acme",
            subscribe: ["a/#", "b/+"],
            expiresAt: "2030-01-31T00:00:00.000Z",
          },
        },
        server: "http://x",
        config: null,
      },
    );
    assert.deepEqual(parse("list", "--json").command, { kind: "list", json: true });
    assert.deepEqual(parse("revoke", "t_0123456789abcdef").command, {
      kind: "revoke",
      id: "t_0123456789abcdef",
    });
    assert.deepEqual(parse("--help").command, { kind: "help" });
  });

  it("names what is wrong", () => {
    assert.match(refusal(), /expected create, list or revoke/);
    assert.match(refusal("toString"), /expected create, list or revoke/);
    assert.match(refusal("create"), /--name: .*\n--scopes: /);
    assert.match(refusal("create", "--name", "x", "--scopes", "read"), /--scopes: .*connections:read/);
    const good = ["create", "--name", "x", "--scopes", "publish"];
    assert.match(refusal(...good, "--publish", "a/#/b"), /--publish: .*"#" before its last level/);
    assert.match(refusal(...good, "--expires", "soon"), /--expires: .*RFC 3339/);
    assert.match(refusal("list", "--name", "x"), /--name: is not for connack token list/);
    assert.match(refusal("list", "--yaml"), /--yaml: no such option/);
    assert.match(refusal("revoke"), /expected the id/);
  });

  it("takes no token from the command line, and repeats none", () => {
    const token = `cnk_${"0".repeat(16)}_${"geheim".repeat(7)}x`;
    for (const argv of [
      ["revoke", token],
      ["list", token],
      [token],
      ["list", `--token=${token}`],
      ["list", "--token", token],
      ["list", `--json=${token}`],
      ["revoke", "t_0123456789abcdef", token],
    ])
      assert.ok(!refusal(...argv).includes("geheim"), argv.join(" "));
  });
});
