import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { after, before } from "./test.ts";

/** Kept after the tests, to be looked at. */
const screenshots = join(import.meta.dirname, "../../dist/screenshots");

/** A page of a real browser, and what must not happen in it. */
export interface BrowserPage extends AsyncDisposable {
  readonly page: Page;
  /** What scripts have thrown, and what the page's policy has forbidden; empty for a page that is well. */
  readonly faults: readonly string[];
}

/** The name of another machine, to the browser. */
export const otherHost = "connack.example";

/** Debian's own browser, with no profile that outlives it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      // Its sandbox does not start for root, as which tests run in a container; it sees pages of ours only.
      "--no-sandbox",
      "--disable-dev-shm-usage",
      // A name that is no loopback name: over http there, it takes no cookie that is for https alone.
      `--host-resolver-rules=MAP ${otherHost} 127.0.0.1`,
    ],
  });
}

/** One browser for the tests of the block in which it is called; none where they are skipped. */
export function browserOf(skip: string | false): () => Browser {
  let browser: Browser | undefined;
  before(async () => {
    if (skip === false) browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
  });
  return () => {
    if (browser === undefined) throw new Error("There is no browser outside of tests");
    return browser;
  };
}

/** Keeps what the page looks like, as `dist/screenshots/<name>.png`. */
export async function keepScreenshot(page: Page, name: string, fullPage = true): Promise<void> {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage });
}

/** Opens an address in a context of its own: no cookies of other pages. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<BrowserPage> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML/i.test(message.text())) faults.push(message.text());
  });
  await page.goto(url);
  return { page, faults, [Symbol.asyncDispose]: () => context.close() };
}
