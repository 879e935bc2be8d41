import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { browserOf, keepScreenshot, openPage } from "../support/chromium.ts";
import { assertFits } from "../support/looks.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium", "mosquitto");

describe("the dashboard in a browser: how it looks", () => {
  const browser = browserOf(skip);

  it(
    "is kept as pictures: wide and narrow, light and dark",
    async () => {
      await using broker = await startMosquitto({ users: { ann: "right" } });
      await using app = await startApp();
      const credentials = { username: "ann", password: "right" };
      const subscriptions = [{ topicFilter: "kitchen/#", qos: 1 }];
      const one = (id: string, fields: object) =>
        app.open({ id, url: broker.url, ...credentials, ...fields }, "?wait=0");
      await one("kitchen", { subscriptions, labels: { site: "north" } });
      await one("garden", { subscriptions, labels: { site: "south" }, protocolVersion: "3.1.1" });
      await one("gate", { password: "wrong" });
      await one("cellar", { url: "mqtts://127.0.0.1:1", labels: { site: "north" } });
      await app.call("GET", "/connections/kitchen?wait=5&since=1");
      for (const scheme of ["light", "dark"] as const)
        for (const [name, width, height] of [
          ["wide", 1280, 800],
          ["phone", 375, 740],
        ] as const) {
          await using opened = await openPage(browser(), `${app.url}/#/kitchen`, {
            colorScheme: scheme,
            viewport: { width, height },
          });
          const { page } = opened;
          await page.locator("#detail-state", { hasText: "connected" }).waitFor();
          await page.getByRole("button", { name: "Watch messages", exact: true }).click();
          await page.locator("#watch[data-open]").waitFor();
          for (const payload of ["21.5", '{"temperature": 21.7, "humidity": 40}'])
            await app.call("POST", "/connections/kitchen/publish", {
              topic: "kitchen/temperature",
              payload,
              qos: 1,
            });
          await page.locator("#messages li").nth(1).waitFor();
          await page.locator('tr[data-id="kitchen"] polyline.in[points*=" "]').waitFor({ state: "attached" });
          await keepScreenshot(page, `${name}-${scheme}`);
          await assertFits(page);
          assert.deepEqual(opened.faults, []);
        }
    },
    { skip, timeout: 90_000 },
  );
});
