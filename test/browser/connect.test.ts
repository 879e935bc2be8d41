import assert from "node:assert/strict";
import type { Page, Request } from "playwright-core";
import { startApp } from "../support/app.ts";
import { browserOf, keepScreenshot, openPage } from "../support/chromium.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { sendConnack } from "../support/broker-scripts.ts";
import { startScriptedBroker, type Script } from "../support/scripted-broker.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium", "mosquitto");

/** The streams that a page has open. */
function openStreams(page: Page): ReadonlySet<Request> {
  const open = new Set<Request>();
  page.on("request", (request) => {
    if (/\/messages\?|\/events\?(?!format=json)/.test(request.url())) open.add(request);
  });
  for (const end of ["requestfinished", "requestfailed"] as const)
    page.on(end as "requestfailed", (request) => void open.delete(request));
  return open;
}

describe("the dashboard in a browser: connecting", () => {
  const browser = browserOf(skip);

  it(
    "connects by its form, and shows what happens to the connection while it happens",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await using opened = await openPage(browser(), app.url);
      const { page } = opened;
      const streams = openStreams(page);
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
      // Events and messages come over one stream, which is another one now.
      assert.equal(streams.size, 1);
      assert.match([...streams][0]?.url() ?? "", /\/events\?.*lastEventId=.*messages=home/);
      await page.getByRole("button", { name: "Ping", exact: true }).click();
      await page.locator("#answer", { hasText: "The broker answered within" }).waitFor();

      await broker.stop();
      await row.locator('[data-state="waiting"]').waitFor();
      const next = row.locator('[data-name="Next attempt"]');
      const text = await next.filter({ hasText: /^in ([2-9]|\d\d) s$/ }).textContent();
      const less = Array.from({ length: Number(/\d+/.exec(text ?? "")?.[0]) - 1 }, (_, n) => `in ${n + 1} s`);
      await next.filter({ hasText: new RegExp(`^(${less.join("|")})$`) }).waitFor();
      await keepScreenshot(page, "waiting");
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
    "shows a probe stage by stage as it goes, and explains its failure with a hint",
    async () => {
      const continued = Promise.withResolvers<void>();
      // It takes the network connection, and says nothing until it is told to.
      const script: Script = async (peer) => {
        await peer.next("connect");
        await continued.promise;
        sendConnack(peer, 0x87);
      };
      await using broker = await startScriptedBroker(script);
      await using app = await startApp();
      await using opened = await openPage(browser(), app.url);
      const { page } = opened;
      await page.getByLabel("URL", { exact: true }).fill(broker.url);
      await page.getByRole("button", { name: "Probe", exact: true }).click();
      await page.locator("#connect-answer li.good", { hasText: "TCP" }).waitFor();
      await page.locator("#connect-answer li.open", { hasText: "CONNACK …" }).waitFor();
      await keepScreenshot(page, "probe");
      continued.resolve();
      await page.locator("#connect-answer li.bad", { hasText: "CONNACK" }).waitFor();
      await page.locator("#connect-answer .problem", { hasText: "Not authorized" }).waitFor();
      await page.locator("#connect-answer p", { hasText: "check username, password" }).waitFor();
      // Nothing is left of the one before.
      await page.getByLabel("URL", { exact: true }).fill("mqtts://127.0.0.1:1");
      await page.getByRole("button", { name: "Probe", exact: true }).click();
      await page.locator("#connect-answer li.bad", { hasText: "TCP" }).waitFor();
      await page.locator("#connect-answer li.skipped", { hasText: "TLS not reached" }).waitFor();
      assert.equal(await page.locator("#connect-answer ol").count(), 1);
      assert.deepEqual(opened.faults, []);
    },
    { skip },
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
      await keepScreenshot(page, "refused");
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
