import { chromium, type Browser, type Page } from "playwright-core";

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

/** Opens an address in a context of its own: no cookies of other pages. */
export async function openPage(browser: Browser, url: string): Promise<BrowserPage> {
  const context = await browser.newContext();
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
