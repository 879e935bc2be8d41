import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { browserOf, openPage } from "../support/chromium.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium", "mosquitto");

describe("the dashboard in a browser: connecting", () => {
  const browser = browserOf(skip);

  it(
    "connects by its form, and shows what happens to the connection while it happens",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await using opened = await openPage(browser(), app.url);
      const { page } = opened;
      await page.getByText("No connections yet.").waitFor();
      await page.getByLabel("URL", { exact: true }).fill(broker.url);
      await page.getByLabel("Id", { exact: true }).fill("home");
      await page.getByRole("button", { name: "Probe", exact: true }).click();
      await page.locator("#connect-answer li.good", { hasText: "CONNACK" }).waitFor();
      await page.getByRole("button", { name: "Connect", exact: true }).press("Enter");
      await page.locator("#connect-answer", { hasText: "home: connected" }).waitFor();
      const row = page.locator('tr[data-id="home"]');
      await row.locator('[data-state="connected"]').waitFor();
      await page.locator("#total-connected", { hasText: "1" }).waitFor();
      await page.locator("#timeline li", { hasText: "connected" }).first().waitFor();
      await page.locator("#facts", { hasText: "0x00, session new" }).waitFor();

      await page.getByLabel("Topic filter").fill("a/#");
      await page.getByRole("button", { name: "Subscribe", exact: true }).click();
      await page.locator("#subscriptions li", { hasText: "granted QoS 0" }).waitFor();
      await page.getByRole("button", { name: "Watch messages", exact: true }).click();
      await page.locator("#watch[data-open]").waitFor();
      await page.getByLabel("Topic", { exact: true }).fill("a/b");
      await page.getByLabel("Payload").fill("21.5");
      await page.getByRole("button", { name: "Publish", exact: true }).click();
      await page.locator("#messages li", { hasText: "21.5" }).waitFor();
      await page.getByRole("button", { name: "Ping", exact: true }).click();
      await page.locator("#answer", { hasText: "The broker answered within" }).waitFor();

      await broker.stop();
      await row.locator('[data-state="waiting"]').waitFor();
      await row.locator('[data-name="Next attempt"]', { hasText: /in \d+ s|now/ }).waitFor();
      await row.locator('[data-name="Reason"]', { hasText: /\w+/ }).waitFor();
      await page.locator("#timeline li", { hasText: "connected for" }).waitFor();
      await broker.start();
      await row.locator('[data-state="connected"]').waitFor();

      await page.getByRole("button", { name: "Disconnect", exact: true }).click();
      await row.waitFor({ state: "detached" });
      assert.deepEqual(opened.faults, []);
    },
    { skip, timeout: 40_000 },
  );

  it(
    "says in words why a broker refuses",
    async () => {
      await using broker = await startMosquitto({ users: { ann: "right" } });
      await using app = await startApp();
      await using opened = await openPage(browser(), app.url);
      const { page } = opened;
      await page.getByLabel("URL", { exact: true }).fill(broker.url);
      await page.getByLabel("Username").fill("ann");
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button", { name: "Connect", exact: true }).click();
      const answer = page.locator("#connect-answer.problem", { hasText: /not authorized|bad user name/i });
      await answer.waitFor();
      await page.getByRole("button", { name: "Copy connect as curl" }).click();
      const command = await page.locator("#connect-answer pre").textContent();
      assert.ok(command?.includes("$BROKER_PASSWORD") && !command.includes("wrong"), command ?? "");
      await page.getByLabel("Keep trying").check();
      await page.getByRole("button", { name: "Connect", exact: true }).click();
      await page.locator('#rows [data-state="failed"]').waitFor();
      await page
        .locator('#rows [data-name="Reason"]', { hasText: /not authorized|bad user name/i })
        .waitFor();
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );
});
