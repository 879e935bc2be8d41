import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { startApp } from "../support/app.ts";
import { browserOf, openPage } from "../support/chromium.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium", "mosquitto");

describe("the dashboard in a browser: messages", () => {
  const browser = browserOf(skip);

  it(
    "shows hostile topics, client ids, labels and payloads as text",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      const evil = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
      const subscriptions = [{ topicFilter: `${evil}/#`, qos: 0 }];
      const clientId = evil;
      const made = await app.open({
        id: "odd",
        url: broker.url,
        clientId,
        labels: { odd: evil },
        subscriptions,
      });
      assert.equal(made.status, 201, made.text);
      await using opened = await openPage(browser(), `${app.url}/#/odd`);
      const { page } = opened;
      await page.locator("#subscriptions", { hasText: evil }).waitFor();
      await page.locator("#facts", { hasText: evil }).waitFor();
      await page.getByRole("button", { name: "Watch messages", exact: true }).click();
      await page.locator("#watch[data-open]").waitFor();
      const published = await app.call("POST", "/connections/odd/publish", {
        ...{ topic: `${evil}/x`, payload: evil, qos: 1 },
      });
      assert.equal(published.status, 200, published.text);
      await page.locator("#messages pre", { hasText: evil }).waitFor();
      assert.equal(await page.locator("img, body script, iframe, object").count(), 0);
      // On a phone, too, nothing of it is wider than the page.
      await page.setViewportSize({ width: 360, height: 700 });
      assert.ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"));
      await page.keyboard.press("Escape");
      await page.locator("#detail").waitFor({ state: "hidden" });
      assert.equal(await page.evaluate("document.activeElement.textContent"), "odd");
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );

  it(
    "gives each call as a command that a shell takes for what it is",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await app.open({ id: "home", url: broker.url, subscriptions: [{ topicFilter: "#", qos: 0 }] });
      await using opened = await openPage(browser(), `${app.url}/#/home`);
      const { page } = opened;
      const [topic, payload] = [`it's/$HOME`, `"$(id)" '; \`id\` \\`];
      await page.getByLabel("Topic", { exact: true }).fill(topic);
      await page.getByLabel("Payload").fill(payload);
      await page.getByRole("button", { name: "Copy publish as curl" }).click();
      const command = (await page.locator("#answer pre").textContent()) ?? "";
      await promisify(execFile)("/bin/sh", ["-c", command]);
      const { body } = await app.call("GET", "/connections/home/messages?wait=5");
      assert.deepEqual([body.items[0].topic, body.items[0].payload], [topic, payload]);
      await page.getByLabel("Topic filter").fill("other/#");
      await page.getByLabel("URL", { exact: true }).fill(broker.url);
      const copies = page.locator("button.curl");
      const commands: string[] = [];
      for (let index = 0; index < (await copies.count()); index += 1) {
        const [button, shown] = [copies.nth(index), page.locator("pre.command")];
        await page.evaluate("document.querySelectorAll('pre.command').forEach((one) => one.remove())");
        await button.click();
        commands.push((await shown.textContent()) ?? "");
      }
      // All that can be done, and all that is looked at.
      assert.equal(commands.length, 14, commands.join("\n"));
      assert.equal(new Set(commands).size, 14, commands.join("\n"));
      // Those that end nothing, and have an end.
      for (const each of commands.filter((one) => one.startsWith("curl -s 'http"))) {
        const { stdout } = await promisify(execFile)("/bin/sh", ["-c", `${each} -f`]);
        assert.ok(stdout.startsWith("{"), `${each}\n${stdout}`);
      }
      await page.getByRole("button", { name: "Copy unsubscribe from # as curl" }).click();
      await promisify(execFile)("/bin/sh", ["-c", (await page.locator("#answer pre").textContent()) ?? ""]);
      await page.locator("#subscriptions code", { hasText: /^#$/ }).waitFor({ state: "detached" });
      assert.deepEqual(await page.locator("#subscriptions code").allTextContents(), ["other/#"]);
      await page.getByRole("button", { name: "Copy disconnect as curl" }).click();
      await promisify(execFile)("/bin/sh", ["-c", (await page.locator("#answer pre").textContent()) ?? ""]);
      await page.locator("#detail-state", { hasText: "gone" }).waitFor();
    },
    { skip: needs("chromium", "mosquitto", "curl") },
  );
});
