import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { browserOf, openPage } from "../support/chromium.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { acknowledge, opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium", "mosquitto");

describe("the dashboard in a browser: the list", () => {
  const browser = browserOf(skip);

  it(
    "has a page of rows in the document, however many connections there are",
    async () => {
      await using app = await startApp();
      await app.open({ id: "c0", url: "mqtt://127.0.0.1:1", reconnect: { enabled: false } }, "?wait=0");
      const { body: view } = await app.call("GET", "/connections/c0?wait=5");
      await using opened = await openPage(browser(), "about:blank");
      const { page } = opened;
      await page.route("**/connections?limit=*", async (route) => {
        const first = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
        const items = Array.from({ length: 1_000 }, (_, index) => ({ ...view, id: `c${first + index}` }));
        await route.fulfill({ json: { items, next: first + 1_000 < 5_000 ? String(first + 1_000) : null } });
      });
      await page.goto(app.url);
      await page.locator("#count", { hasText: "1–50 of 5,000" }).waitFor();
      await page.locator("#total-failed", { hasText: "5,000" }).waitFor();
      assert.equal(await page.locator("#rows tr").count(), 50);
      await page.getByRole("button", { name: "Next" }).press("Enter");
      await page.locator("#count", { hasText: "51–100 of 5,000" }).waitFor();
      await page.getByLabel("Find").fill("c4321");
      await page.locator("#count", { hasText: "1–1 of 1" }).waitFor();
      await page.locator('tr[data-id="c4321"]').waitFor();
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );

  it(
    "shows for each connection its version, whether it is encrypted, and what has gone through lately",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      const subscriptions = [{ topicFilter: "#", qos: 0 }];
      await app.open({ id: "plain", url: broker.url, subscriptions, protocolVersion: "3.1.1" });
      await app.open({ id: "safe", url: "mqtts://127.0.0.1:1" }, "?wait=0");
      await using opened = await openPage(browser(), app.url);
      const { page } = opened;
      const [plain, safe] = [page.locator('tr[data-id="plain"]'), page.locator('tr[data-id="safe"]')];
      await safe.locator('[data-name="TLS"]', { hasText: /^TLS$/ }).waitFor();
      await plain.locator('[data-name="TLS"]', { hasText: /^none$/ }).waitFor();
      await plain.locator('[data-name="Version"]', { hasText: /^3\.1\.1$/ }).waitFor();
      const figures = plain.locator('[data-name="In / out per s"]', { hasText: "0 / 0" });
      await figures.waitFor();
      const line = plain.locator("polyline.in");
      const points = async () => ((await line.getAttribute("points")) ?? "").split(" ").length;
      for (let n = 0; n < 20; n += 1)
        await app.call("POST", "/connections/plain/publish", { topic: "t", payload: "1", qos: 1 });
      await plain.locator('[data-name="In / out per s"]', { hasText: /^ ?[1-9]/ }).waitFor();
      await page.locator("#total-in", { hasText: /^[1-9].*\/s$/ }).waitFor();
      await figures.waitFor();
      assert.ok((await points()) >= 2, String(await points()));
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );

  it(
    "tells at the top how old the oldest message is that no broker has acknowledged",
    async () => {
      await using broker = await startScriptedBroker(opens({}));
      await using app = await startApp();
      await app.open({ id: "home", url: broker.url });
      await using opened = await openPage(browser(), app.url);
      const { page } = opened;
      await page.locator("#total-oldest", { hasText: "none" }).waitFor();
      const published = app.call("POST", "/connections/home/publish", { topic: "t", payload: "1", qos: 1 });
      const peer = await broker.connection(1);
      const { messageId = 0 } = await peer.next("publish");
      await page.locator("#total-oldest", { hasText: /^\d s$/ }).waitFor();
      await page.locator("#total-oldest", { hasText: /^[2-9] s$/ }).waitFor();
      acknowledge(peer, "puback", messageId);
      assert.equal((await published).status, 200);
      await page.locator("#total-oldest", { hasText: "none" }).waitFor();
    },
    { skip },
  );

  it(
    "is worked with by the keyboard alone, and shows where one is",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await app.open({ id: "home", url: broker.url });
      await app.open({ id: "gone", url: "mqtt://127.0.0.1:1" }, "?wait=0");
      await using opened = await openPage(browser(), app.url);
      const { page } = opened;
      await page.locator('tr[data-id="home"]').waitFor();
      const focused = () =>
        page.evaluate(
          "(() => { const e = document.activeElement; const s = getComputedStyle(e); return { name: e.getAttribute('aria-label') ?? e.textContent?.trim(), outline: s.outlineStyle + ' ' + s.outlineWidth }; })()",
        ) as Promise<{ name: string; outline: string }>;
      const tabTo = async (name: string) => {
        for (let n = 0; n < 60; n += 1) {
          await page.keyboard.press("Tab");
          const at = await focused();
          assert.equal(at.outline, "solid 2px", `${at.name}: the focus is not to be seen`);
          if (at.name === name) return;
        }
        assert.fail(`There is no way to ${name}`);
      };
      await tabTo("1 connected");
      await page.keyboard.press("Space");
      await page.locator('tr[data-id="gone"]').waitFor({ state: "detached" });
      await tabTo("home");
      await page.keyboard.press("Enter");
      await page.locator("#detail-state", { hasText: "connected" }).waitFor();
      assert.equal((await focused()).name, "home");
      await tabTo("Ping");
      await page.keyboard.press("Enter");
      await page.locator("#answer", { hasText: "The broker answered within" }).waitFor();
      await page.keyboard.press("Escape");
      await page.locator("#detail").waitFor({ state: "hidden" });
      assert.equal((await focused()).name, "home");
      // Each control has a name.
      const unnamed = await page.evaluate(
        "[...document.querySelectorAll('input, select, textarea, button')].filter((e) => !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label'))).map((e) => e.outerHTML)",
      );
      assert.deepEqual(unnamed, []);
    },
    { skip },
  );
});
