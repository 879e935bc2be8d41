import assert from "node:assert/strict";
import type { Page } from "playwright-core";

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

/** What is wider than the page. */
const tooWide =
  "[...document.querySelectorAll('body *:not(thead, thead *)')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + '#' + e.id + '.' + e.className)";

/** The page is to be seen as it is: nothing is cut off, and every text stands out. */
export async function assertFits(page: Page): Promise<void> {
  assert.deepEqual(await page.evaluate(tooWide), []);
  assert.deepEqual(await page.evaluate(tooFaint), []);
}
