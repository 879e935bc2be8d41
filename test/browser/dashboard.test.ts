import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { adminToken } from "../support/access.ts";
import { startApp } from "../support/app.ts";
import { launchBrowser, openPage, otherHost } from "../support/chromium.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { after, before, describe, it } from "../support/test.ts";

const skip = needs("chromium", "mosquitto");

describe("the dashboard in a browser", () => {
  let browser: Browser;
  before(async () => {
    if (skip === false) browser = await launchBrowser();
  });
  after(async () => {
    if (skip === false) await browser.close();
  });

  it(
    "connects by its form, and shows what happens to the connection while it happens",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await using opened = await openPage(browser, app.url);
      const { page } = opened;
      await page.getByText("No connections yet.").waitFor();
      await page.getByLabel("URL", { exact: true }).fill(broker.url);
      await page.getByLabel("Id", { exact: true }).fill("home");
      await page.getByRole("button", { name: "Probe" }).click();
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
      const reading = page.waitForResponse((response) => response.url().includes("/messages?"));
      await page.getByRole("button", { name: "Watch messages" }).click();
      await reading;
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
      await using opened = await openPage(browser, app.url);
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
      await using opened = await openPage(browser, `${app.url}/#/odd`);
      const { page } = opened;
      await page.locator("#subscriptions", { hasText: evil }).waitFor();
      await page.locator("#facts", { hasText: evil }).waitFor();
      const reading = page.waitForResponse((response) => response.url().includes("/messages?"));
      await page.getByRole("button", { name: "Watch messages" }).click();
      await reading;
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
      await using opened = await openPage(browser, `${app.url}/#/home`);
      const { page } = opened;
      const [topic, payload] = [`it's/$HOME`, `"$(id)" '; \`id\` \\`];
      await page.getByLabel("Topic", { exact: true }).fill(topic);
      await page.getByLabel("Payload").fill(payload);
      await page.getByRole("button", { name: "Copy publish as curl" }).click();
      const command = (await page.locator("#answer pre").textContent()) ?? "";
      await promisify(execFile)("/bin/sh", ["-c", command]);
      const { body } = await app.call("GET", "/connections/home/messages?wait=5");
      assert.deepEqual([body.items[0].topic, body.items[0].payload], [topic, payload]);
      await page.getByRole("button", { name: "Copy disconnect as curl" }).click();
      await promisify(execFile)("/bin/sh", ["-c", (await page.locator("#answer pre").textContent()) ?? ""]);
      await page.locator("#detail-state", { hasText: "gone" }).waitFor();
    },
    { skip: needs("chromium", "mosquitto", "curl") },
  );

  it(
    "asks for a token, keeps it nowhere, and forgets everything by signing out",
    async () => {
      await using app = await startApp({ CONNACK_ADMIN_TOKEN: adminToken });
      await using opened = await openPage(browser, app.url);
      const { page } = opened;
      await page.getByLabel("Token").fill("0123456789abcdef0123456789abcdeg");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.locator("#sign-in-answer", { hasText: "not valid" }).waitFor();
      await page.getByLabel("Token").fill(adminToken);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("No connections yet.").waitFor();
      await page.locator('#status[data-stream="live"]').waitFor();
      // The browser's own word for what a page keeps.
      assert.deepEqual(await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]"), [
        0,
        0,
        "",
      ]);
      assert.ok(!(await page.content()).includes(adminToken));
      await page.reload();
      await page.getByText("No connections yet.").waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Token").waitFor();
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );

  it(
    "shows nothing more, and says that the session is still there, where signing out does not reach the server",
    async () => {
      await using app = await startApp({ CONNACK_ADMIN_TOKEN: adminToken });
      await using opened = await openPage(browser, app.url);
      const { page } = opened;
      await page.getByLabel("Token").fill(adminToken);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("No connections yet.").waitFor();
      await page.route("**/session", (route) => route.abort());
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.locator("#sign-in-answer", { hasText: "Not signed out" }).waitFor();
      assert.equal(await page.getByText("No connections yet.").isVisible(), false);
      await page.unroute("**/session");
      await page.reload();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Token").waitFor();
      await page.reload();
      await page.getByLabel("Token").waitFor();
    },
    { skip },
  );

  it(
    "works over plain http from another machine, where no cookie is taken, until the page is left",
    async () => {
      await using app = await startApp({ CONNACK_ADMIN_TOKEN: adminToken, CONNACK_ALLOWED_HOSTS: otherHost });
      await using opened = await openPage(browser, app.url.replace("127.0.0.1", otherHost));
      const { page } = opened;
      await page.getByLabel("Token").fill(adminToken);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.locator('#status[data-stream="live"]').waitFor();
      assert.deepEqual(await page.context().cookies(), []);
      await page.getByLabel("URL", { exact: true }).fill("mqtt://127.0.0.1:1");
      await page.getByRole("button", { name: "Copy connect as curl" }).click();
      const command = (await page.locator("#connect-answer pre").textContent()) ?? "";
      assert.ok(command.includes('"Authorization: Bearer $CONNACK_TOKEN"'), command);
      assert.ok(!(await page.content()).includes(adminToken));
      await page.reload();
      await page.getByLabel("Token").waitFor();
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );

  it(
    "has a page of rows in the document, however many connections there are",
    async () => {
      await using app = await startApp();
      await app.open({ id: "c0", url: "mqtt://127.0.0.1:1", reconnect: { enabled: false } }, "?wait=0");
      const { body: view } = await app.call("GET", "/connections/c0?wait=5");
      await using opened = await openPage(browser, "about:blank");
      const { page } = opened;
      await page.route("**/connections?limit=*", async (route) => {
        const first = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
        const items = Array.from({ length: 1_000 }, (_, index) => ({ ...view, id: `c${first + index}` }));
        await route.fulfill({ json: { items, next: first + 1_000 < 5_000 ? String(first + 1_000) : null } });
      });
      await page.goto(app.url);
      await page.locator("#count", { hasText: "1–50 of 5000" }).waitFor();
      await page.locator("#total-failed", { hasText: "5000" }).waitFor();
      assert.equal(await page.locator("#rows tr").count(), 50);
      await page.getByRole("button", { name: "Next" }).press("Enter");
      await page.locator("#count", { hasText: "51–100 of 5000" }).waitFor();
      await page.getByLabel("Find").fill("c4321");
      await page.locator("#count", { hasText: "1–1 of 1" }).waitFor();
      await page.locator('tr[data-id="c4321"]').waitFor();
      assert.deepEqual(opened.faults, []);
    },
    { skip },
  );
});
