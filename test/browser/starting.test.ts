import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { browserOf, keepScreenshot, openPage } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium");

const starting = { status: 503, json: { code: "starting", detail: "The server is starting", status: 503 } };

describe("the dashboard in a browser: a server that is coming back", () => {
  const browser = browserOf(skip);

  it(
    "says that the server is starting while it answers so, and goes on by itself",
    async () => {
      await using app = await startApp();
      await using opened = await openPage(browser(), "about:blank");
      const { page } = opened;
      await page.route(/\/(session|events|connections|readyz)(\?|$)/, (route) => route.fulfill(starting));
      await page.goto(app.url);
      await page.locator("#banner", { hasText: "The server is starting" }).waitFor();
      assert.equal(await page.locator("#sign-in").isVisible(), false);
      await keepScreenshot(page, "starting");
      await page.unrouteAll();
      await page.getByText("No connections yet.").waitFor();
      await page.locator("#banner").waitFor({ state: "hidden" });
      // Again while it is looked at: a restart.
      await page.route(/\/(events|connections|readyz)(\?|$)/, (route) => route.fulfill(starting));
      await page.locator("#banner", { hasText: "The server is starting" }).waitFor();
      await page.unrouteAll();
      await page.locator("#banner").waitFor({ state: "hidden" });
      assert.equal(await page.locator("#trouble").textContent(), "");
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );

  it(
    "tells how far it is in bringing connections back, until that is over",
    async () => {
      await using app = await startApp();
      await using opened = await openPage(browser(), "about:blank");
      const { page } = opened;
      let progress: object | null = { task: "migration", done: 1, total: 2 };
      await page.route("**/readyz", (route) =>
        route.fulfill({ status: 503, json: { ready: false, streams: 7, progress } }),
      );
      await page.goto(app.url);
      await page.locator("#banner", { hasText: "Bringing the store up to date: 1 of 2" }).waitFor();
      progress = { task: "dial", done: 1_200, total: 5_000 };
      await page.locator("#banner", { hasText: "Bringing connections back: 1,200 of 5,000" }).waitFor();
      const bar = await page.evaluate(
        "[document.querySelector('#banner progress').value, document.querySelector('#banner progress').max]",
      );
      assert.deepEqual(bar, [1_200, 5_000]);
      await page.locator("#total-streams", { hasText: "7" }).waitFor();
      await keepScreenshot(page, "progress");
      progress = null;
      await page.locator("#banner").waitFor({ state: "hidden" });
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );
});
