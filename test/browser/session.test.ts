import assert from "node:assert/strict";
import { adminToken } from "../support/access.ts";
import { startApp } from "../support/app.ts";
import { browserOf, openPage, otherHost } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("chromium");

describe("the dashboard in a browser: signing in", () => {
  const browser = browserOf(skip);

  it(
    "asks for a token, keeps it nowhere, and forgets everything by signing out",
    async () => {
      await using app = await startApp({ CONNACK_ADMIN_TOKEN: adminToken });
      await using opened = await openPage(browser(), app.url);
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
      await using opened = await openPage(browser(), app.url);
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
      await using opened = await openPage(browser(), app.url.replace("127.0.0.1", otherHost));
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
});
