// @ts-check
const namespace = "http://www.w3.org/2000/svg";
const width = 64;
const height = 16;
/** Where there is less, the line is low all the same: a message now and then is no peak. */
const leastTop = 1;

/** A small drawing of numbers over time; what it says stands beside it in words, for who does not see it. */
export class Sparkline {
  #lines;

  /** @param {readonly string[]} kinds a class for each line */
  constructor(kinds) {
    this.#lines = kinds.map((kind) => make("polyline", { class: kind }));
    const box = { width: String(width), height: String(height), viewBox: `0 0 ${width} ${height}` };
    this.element = make("svg", { class: "sparkline", "aria-hidden": "true", ...box });
    this.element.append(...this.#lines);
  }

  /** @param {readonly (readonly number[])[]} series one for each line */
  show(series) {
    const top = Math.max(leastTop, ...series.flat());
    for (const [index, line] of this.#lines.entries())
      line.setAttribute("points", pointsOf(series[index] ?? [], top));
  }
}

/** The newest on the far end, with room for the line's own width. @param {readonly number[]} values @param {number} top */
function pointsOf(values, top) {
  const step = (width - 2) / 29;
  return values
    .map((value, index) => {
      const x = width - 1 - (values.length - 1 - index) * step;
      return `${x.toFixed(1)},${(height - 1.5 - (value / top) * (height - 3)).toFixed(1)}`;
    })
    .join(" ");
}

/** @param {string} tag @param {Record<string, string>} attributes */
function make(tag, attributes) {
  const made = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
