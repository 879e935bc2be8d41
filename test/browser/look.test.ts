import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { browserOf, keepScreenshot, openPage } from "../support/chromium.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium", "mosquitto");

/** Texts that are too near in colour to what is behind them (WCAG 2.2, 1.4.3), as a browser has computed it. */
const tooFaint = `(() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const [r, g, b] = parse(color).map((each) => each / 255).map((each) =>
      each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if ((parse(backgroundColor)[3] ?? 1) > 0) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("body *:not(:disabled, option)")]
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ""))
    .filter((each) => each.checkVisibility())
    .map((each) => {
      const [a, b] = [light(getComputedStyle(each).color), light(behind(each))];
      return { text: each.textContent.trim().slice(0, 40), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
    })
    .filter(({ ratio }) => ratio < 4.5);
})()`;

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
          // Nothing is wider than the page.
          const wide = await page.evaluate(
            "[...document.querySelectorAll('body *:not(thead, thead *)')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + '#' + e.id + '.' + e.className)",
          );
          assert.deepEqual(wide, []);
          assert.deepEqual(await page.evaluate(tooFaint), []);
          assert.deepEqual(opened.faults, []);
        }
    },
    { skip, timeout: 90_000 },
  );
});
