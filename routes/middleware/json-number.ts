/** What no double is wrong about, whatever the digits: 15 of them, and no exponent. */
export const safeNumberLength = 15;

/**
 * Whether a JSON number is read as the number that it says, and would be written as it again. Not so are `1e400`, which becomes infinite, `1e-400`, which
 * becomes 0, and integers of more digits than a double has, which become their neighbours; and what is no integer and
 * would become one. Other fractions are rounded, as everywhere. What is no number at all is not for here to judge.
 */
export function isReadAsItStands(text: string): boolean {
  const value = Number(text);
  if (Number.isNaN(value)) return true;
  if (!Number.isFinite(value)) return false;
  if (!Number.isInteger(value)) return true;
  return canonical(text) === canonical(String(value));
}

const parts = /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

/** Digits without zeros around them, and the power of ten that they stand at; without a sign, which is never lost. */
function canonical(text: string): string {
  const [, whole = "", fraction = "", exponent = "0"] = parts.exec(text) ?? [];
  const digits = whole + fraction;
  // Not by patterns: one for zeros at the end takes the square of their number.
  let from = 0;
  while (digits[from] === "0") from += 1;
  let to = digits.length;
  while (to > from && digits[to - 1] === "0") to -= 1;
  if (from === to) return "0";
  return `${digits.slice(from, to)}e${Number(exponent) + digits.length - to - fraction.length}`;
}
