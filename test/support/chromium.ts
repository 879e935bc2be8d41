import { chromium, type Browser, type Page } from "playwright-core";

/** A page of a real browser, and what must not happen in it. */
export interface BrowserPage extends AsyncDisposable {
  readonly page: Page;
  /** What scripts have thrown, and what the page's policy has forbidden; empty for a page that is well. */
  readonly faults: readonly string[];
}

/** Debian's own browser, with no profile that outlives it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    // Its sandbox does not start for root, as which tests run in a container; it sees pages of ours only.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

/** Opens an address in a context of its own: no cookies of other pages. */
export async function openPage(browser: Browser, url: string): Promise<BrowserPage> {
  const context = await browser.newContext();
  context.setDefaultTimeout(10_000);
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
