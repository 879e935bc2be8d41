// @ts-check
/**
 * What a broker, a publisher or a caller says becomes text here and nothing else: children are text nodes or elements
 * that were made by these functions.
 *
 * @typedef {Record<string, string | number | boolean | ((event: Event) => void)>} Attributes
 */

/**
 * Makes an element. Attributes that are functions listen to the event of that name; `false` leaves one out.
 *
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * The element of the page with this id, which is there.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function find(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${id}`);
  return found;
}

/**
 * Sets a text where it differs, so that a selection and a screen reader are left alone where nothing has changed.
 *
 * @param {Node} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
export function field(form, name) {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value : "";
}

/**
 * Rows of a description list.
 *
 * @param {HTMLElement} list
 * @param {readonly (readonly [string, string])[]} rows
 */
export function describe(list, rows) {
  const text = JSON.stringify(rows);
  if (list.dataset["shown"] === text) return;
  list.dataset["shown"] = text;
  list.replaceChildren(
    ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

/**
 * Shows a command, and puts it into the clipboard where there is one: over plain http from another machine there is none,
 * and it may be refused; the text can be selected all the same.
 *
 * @param {HTMLElement} place
 * @param {string} command
 */
export function showCommand(place, command) {
  const shown = element("pre", { class: "command", tabindex: 0 }, command);
  place.classList.remove("problem");
  place.replaceChildren(shown);
  const copied = () => shown.isConnected && place.prepend(element("p", { class: "quiet" }, "Copied:"));
  navigator.clipboard?.writeText(command).then(copied, () => {});
}
