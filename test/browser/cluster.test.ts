import assert from "node:assert/strict";
import { startApp, type TestApp } from "../support/app.ts";
import { browserOf, keepScreenshot, openPage } from "../support/chromium.ts";
import { standingOfTwo } from "../support/cluster-standing.ts";
import { assertFits } from "../support/looks.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { startNats } from "../support/nats.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium", "mosquitto");

/** One node of a cluster whose nodes are all on one server of NATS. */
function startNode(nats: { readonly url: string }, node: string): Promise<TestApp> {
  return startApp({
    ...{ CONNACK_STORE: nats.url, CONNACK_CLUSTER_NAME: "seen", CONNACK_CLUSTER_NODE: node },
    ...{ CONNACK_CLUSTER_SHARDS: "4", CONNACK_CLUSTER_REPLICAS: "1" },
    CONNACK_CLUSTER_ALLOW: "few-replicas,unchecked-servers",
  });
}

async function untilReady(node: TestApp): Promise<void> {
  while ((await node.call("GET", "/readyz")).status !== 200);
}

describe("the dashboard in a browser: several nodes", () => {
  const browser = browserOf(skip);

  it(
    "shows the nodes and what each has, and in the timeline of a connection where it has come",
    async () => {
      await using nats = await startNats();
      await using broker = await startMosquitto();
      const nodes = await Promise.all(["one", "two"].map((name) => startNode(nats, name)));
      const [one, two] = nodes as [TestApp, TestApp];
      await using _one = one;
      await using _two = two;
      await Promise.all(nodes.map(untilReady));
      const ids = Array.from({ length: 8 }, (_, n) => `c${n}`);
      for (const id of ids)
        assert.equal((await one.call("PUT", `/connections/${id}`, { url: broker.url })).status, 201);
      await using opened = await openPage(browser(), one.url);
      const { page } = opened;
      await page.locator("#cluster-title", { hasText: "2 nodes of seen" }).waitFor();
      await page.locator('#nodes [data-node="one"]', { hasText: "answers this page" }).waitFor();
      await page.locator('#nodes [data-node="two"]', { hasText: /version \S+, since/ }).waitFor();
      await page.locator('#nodes [data-node="two"]', { hasText: "2 of 4 shards" }).waitFor();
      await page.locator("#cluster-moves", { hasText: /^Shards that came to this node: \d/ }).waitFor();
      assert.equal(await page.locator("#cluster-trouble").isVisible(), false);
      const sum = async () => {
        const counts = await page.locator("#nodes .has").allTextContents();
        return counts.reduce((all, text) => all + Number(/^\d+/.exec(text)?.[0]), 0);
      };
      // What a node says of itself is up to a second old.
      while ((await sum()) !== ids.length);

      // All of them are looked at by way of the one that answers; those of the other one move to it.
      await page.goto(`${one.url}/#/c0`);
      await page.locator("#detail-state", { hasText: "connected" }).waitFor();
      const own = (await one.call("GET", "/readyz")).body.connections.connected;
      assert.ok(own < ids.length, "the other node has none");
      await two.stop();
      await page.locator("#cluster-title", { hasText: "1 node of seen" }).waitFor();
      await page.locator("#cluster-moves", { hasText: "handed over" }).waitFor();
      await page.locator('#nodes [data-node="one"]', { hasText: "8 connections, 4 of 4 shards" }).waitFor();
      const moved = await movedId(one, ids);
      await page.goto(`${one.url}/#/${moved}`);
      await page.locator("#timeline li", { hasText: "moved from two to one: handed over" }).waitFor();
      await page.locator("#detail-state", { hasText: "connected" }).waitFor();
      // What comes over the stream of all nodes while the page asks for what was is in that, too, and is shown once.
      await page.getByRole("button", { name: "Close", exact: true }).click();
      await page.route(`**/connections/${moved}/events?*`, async (route) => {
        assert.equal((await one.call("POST", `/connections/${moved}/reconnect`)).status, 200);
        await page
          .locator("#timeline li .type")
          .first()
          .filter({ hasText: /^connected$/ })
          .waitFor();
        await route.continue();
      });
      await page.goto(`${one.url}/#/${moved}`);
      await page.locator("#timeline li", { hasText: "moved from two to one: handed over" }).waitFor();
      const { body } = await one.call("GET", `/connections/${moved}/events?format=json&after=earliest`);
      assert.deepEqual(
        await page.locator("#timeline li .type").allTextContents(),
        body.items.map(({ type }: { type: string }) => type).toReversed(),
      );
      assert.deepEqual(opened.faults, []);
    },
    { skip, timeout: 120_000 },
  );

  it(
    "warns of what no node has, and of a node that is cut off; wide and narrow, light and dark",
    async () => {
      await using app = await startApp();
      const ready = (standing: object) => ({
        ready: true,
        progress: null,
        streams: 1,
        cluster: { ...standingOfTwo, ...standing },
      });
      for (const colorScheme of ["light", "dark"] as const)
        for (const [name, width] of [
          ["wide", 1280],
          ["phone", 375],
        ] as const) {
          await using opened = await openPage(browser(), "about:blank", {
            colorScheme,
            viewport: { width, height: 740 },
          });
          const { page } = opened;
          let said: object = ready({});
          await page.route("**/readyz", (route) => route.fulfill({ json: said }));
          await page.goto(app.url);
          const trouble = (hasText: string | RegExp) =>
            page.locator("#cluster-trouble", { hasText }).waitFor();
          await trouble("1 of 4 shards belong to no node at present (3)");
          await page.locator('#nodes [data-node="b"]', { hasText: "comes or goes" }).waitFor();
          await page
            .locator("#cluster-moves", { hasText: "2 at a start, 1 of a node that was lost" })
            .waitFor();
          await keepScreenshot(page, `cluster-${name}-${colorScheme}`);
          await assertFits(page);
          said = ready({
            shards: { total: 4, owned: [0, 2], unowned: [] },
            holdsLease: false,
            lagMs: 30_000,
          });
          await trouble(/^This node holds no connections: nothing was heard of the NATS servers for 30 s\.$/);
          // One node, or a caller who does not run it.
          said = { ready: true };
          await page.locator("#cluster").waitFor({ state: "hidden" });
          assert.deepEqual(opened.faults, []);
        }
    },
    { skip, timeout: 90_000 },
  );
});

/** One of those that have moved. */
async function movedId(node: TestApp, ids: readonly string[]): Promise<string> {
  for (const id of ids) {
    const { body } = await node.call("GET", `/connections/${id}/events?format=json&after=earliest`);
    if (body.items.some(({ type }: { type: string }) => type === "moved")) return id;
  }
  return assert.fail("none has moved");
}
