import assert from "node:assert/strict";
import { join } from "node:path";
import { adminToken } from "../support/access.ts";
import { runCommand } from "../support/cli.ts";
import { startMain } from "../support/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const token = /^cnk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n$/;
const idOf = (text: string) => `t_${text.slice(4, 20)}`;
const readOnly = ["--name", "reader", "--scopes", "connections:read"];

describe("connack token", () => {
  it("makes the first token before the first start, which turns access control on for good", async () => {
    using directory = temporaryDirectory();
    const place = { CONNACK_STORE: `sqlite:${join(directory.path, "connack.db")}` };
    const made = await runCommand(["token", "create", ...readOnly, "--expires", "1d"], place);
    assert.deepEqual([made.status, token.test(made.stdout)], [0, true], made.stderr);
    assert.ok(made.stderr.includes(idOf(made.stdout)) && !made.stderr.includes(made.stdout.slice(21, -1)));
    await using connack = startMain({ ...place, CONNACK_HOST: "0.0.0.0" }, ["serve"]);
    const line = await connack.printed(/listening on http:\/\/\S+:\d+/);
    const url = `http://127.0.0.1:${line.split(":").at(-1)}/session`;
    assert.equal((await fetch(url)).status, 401);
    const headers = { authorization: `Bearer ${made.stdout.trim()}` };
    const session = await fetch(url, { headers });
    assert.deepEqual(((await session.json()) as { scopes: string[] }).scopes, ["connections:read"]);
    const busy = await runCommand(["token", "list"], place);
    assert.deepEqual([busy.status, busy.stdout], [2, ""]);
    assert.match(busy.stderr, /in use by a running server; use --server http:\/\/127\.0\.0\.1:8080/);
    connack.signal("SIGTERM");
    assert.equal(await connack.exited, 0);
    const listed = await runCommand(["token", "list", "--json"], place);
    const item = JSON.parse(listed.stdout);
    assert.deepEqual(
      [item.id, item.name, item.createdBy, typeof item.lastUsedAt],
      [idOf(made.stdout), "reader", "cli", "string"],
    );
    const revoked = await runCommand(["token", "revoke", item.id], place);
    assert.deepEqual([revoked.status, revoked.stdout], [0, ""], revoked.stderr);
    const again = await runCommand(["token", "revoke", item.id], place);
    assert.deepEqual([again.status, again.stderr], [1, "There is no token with this id\n"]);
    assert.equal((await runCommand(["token", "list", "--json"], place)).stdout, "");
    await using after = startMain({ ...place, CONNACK_HOST: "0.0.0.0" });
    await after.printed(/listening on/);
    assert.match(after.output(), /access control is on, and no token is left/);
  });

  it("asks a running server with --server, by the token of the environment", async () => {
    await using connack = startMain({ CONNACK_ADMIN_TOKEN: adminToken });
    const line = await connack.printed(/listening on http:\/\/\S+:\d+/);
    const server = ["--server", line.split(" ").at(-1) ?? ""];
    const environment = { CONNACK_ADMIN_TOKEN: adminToken };
    const made = await runCommand(
      ["token", "create", ...readOnly, "--tenant", "acme", "--subscribe", "a/#", ...server],
      environment,
    );
    assert.deepEqual([made.status, token.test(made.stdout)], [0, true], made.stderr);
    const listed = await runCommand(["token", "list", ...server], environment);
    assert.match(
      listed.stdout,
      /^id\ttenant\tscopes\texpires\tlast used\tname\nt_[0-9a-f]{16}\tacme\tconnections:read\tnever\tnever\treader\n$/,
    );
    const revoked = await runCommand(["token", "revoke", idOf(made.stdout), ...server], environment);
    assert.equal(revoked.status, 0, revoked.stderr);
    const unknown = await runCommand(["token", "revoke", idOf(made.stdout), ...server], environment);
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /answered 404: There is no token with this id/);
    const wrong = await runCommand(["token", "list", ...server], { CONNACK_ADMIN_TOKEN: "x".repeat(32) });
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /answered 401: /);
    const none = await runCommand(["token", "list", ...server], {});
    assert.equal(none.status, 2);
    assert.match(none.stderr, /CONNACK_ADMIN_TOKEN/);
  });

  it("refuses where nothing would be kept, and says how it is called", async () => {
    const memory = await runCommand(["token", "create", ...readOnly], { CONNACK_STORE: "memory" });
    assert.equal(memory.status, 2);
    assert.match(memory.stderr, /^CONNACK_STORE=memory keeps no tokens.*--server/);
    const cluster = await runCommand(["token", "list"], { CONNACK_STORE: "nats://127.0.0.1:4222" });
    assert.equal(cluster.status, 2);
    assert.match(cluster.stderr, /^the tokens of a cluster are made by one of its nodes.*--server/);
    const help = await runCommand(["token", "--help"], {});
    assert.equal(help.status, 0);
    assert.match(help.stdout, /token create --name NAME/);
  });
});
