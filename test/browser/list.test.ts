import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { browserOf, openPage } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium");

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
});
