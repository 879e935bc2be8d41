import assert from "node:assert/strict";
import { needs } from "../support/needs.ts";
import { runtimeArguments, startProgram } from "../support/program.ts";
import { describe, it } from "../support/test.ts";

describe("bun run demo:cluster", () => {
  it(
    "starts a cluster of three nodes that all answer, outlives one that is killed, and ends with all that it started",
    async () => {
      const command = runtimeArguments("test/demo-cluster/main.ts");
      await using demo = startProgram(process.execPath, command);
      await demo.printed(/Ctrl-C ends all of it/);
      const text = demo.output();
      const nodes = [...text.matchAll(/^ {2}([abc]) {2}(http:\S+)\/ {2}\(process (\d+)\)$/gm)].map(
        ([, name = "", url = "", pid = ""]) => ({ name, url, pid: Number(pid) }),
      );
      assert.deepEqual(
        nodes.map(({ name }) => name),
        ["a", "b", "c"],
      );
      const [, path = "", body = ""] =
        /curl -s http:\/\/[^/]+(\/\S+) -H \S+ \S+ -d '([^']+)'/.exec(text) ?? [];
      const opened = await fetch(`${nodes[0]?.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      assert.equal(opened.status, 201, await opened.text());
      const published = await fetch(`${nodes[2]?.url}/connections/demo/publish?topic=greetings/a&qos=1`, {
        method: "POST",
        body: "hello",
      });
      assert.equal(published.status, 200, await published.text());
      for (const { url } of nodes) await reads(url);
      const killed = Number(/kill -9 (\d+)/.exec(text)?.[1]);
      process.kill(killed, "SIGKILL");
      await demo.printed(/has ended\. It is started again/);
      const other = nodes.find(({ pid }) => pid !== killed);
      // The call waits for whoever takes it over.
      await reads(other?.url ?? "");
      demo.signal("SIGTERM");
      assert.equal(await demo.exited, 0);
      for (const { pid } of nodes) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
    },
    { skip: needs("nats"), timeout: 60_000 },
  );
});

async function reads(url: string): Promise<void> {
  const response = await fetch(`${url}/connections/demo/messages?after=earliest&wait=10`);
  const { items } = (await response.json()) as { readonly items: readonly { readonly payload: string }[] };
  assert.deepEqual(
    items.map(({ payload }) => payload),
    ["hello"],
  );
}
