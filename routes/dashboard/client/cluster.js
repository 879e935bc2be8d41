// @ts-check
/** @import { ClusterStanding, NodeStanding } from "./model.ts" */
import { element, find, write } from "./dom.js";
import { clock, lasting, moveCauses } from "./words.js";

/** Renewed each second; so long without it is worth a word. */
const lateMs = 5_000;

/** The nodes that share the connections, as the one sees them that answers. */
export class Cluster {
  #section = find("cluster", HTMLElement);
  #nodes = find("nodes", HTMLElement);

  /** @param {ClusterStanding | null} standing null where there is one node, or the caller is not told @param {number} now */
  render(standing, now) {
    this.#section.hidden = standing === null;
    if (standing === null) return;
    const { name, nodes, shards, node } = standing;
    write(find("cluster-title", HTMLElement), `${count(nodes.length, "node")} of ${name}`);
    write(find("cluster-moves", HTMLElement), movesOf(standing));
    write(find("cluster-trouble", HTMLElement), troubleOf(standing));
    const text = JSON.stringify([nodes, node, shards.total, Math.floor(now / 60_000)]);
    if (this.#nodes.dataset["shown"] === text) return;
    this.#nodes.dataset["shown"] = text;
    this.#nodes.replaceChildren(...nodes.map((each) => card(each, each.name === node, shards.total, now)));
  }
}

/** @param {NodeStanding} node @param {boolean} isAsked @param {number} total @param {number} now */
function card({ name, version, startedAt, shards, connections, isSettled }, isAsked, total, now) {
  const has = `${count(connections, "connection")}, ${shards.length} of ${count(total, "shard")}`;
  const since = `version ${version}, since ${clock(startedAt, now)}, for ${lasting(now - Date.parse(startedAt))}`;
  return element(
    "li",
    { "data-node": name, title: `Shards ${shards.join(", ") || "none"}` },
    element("b", {}, name),
    " ",
    element("span", { class: "quiet" }, isAsked ? "answers this page" : ""),
    element("span", { class: isSettled ? "has" : "has warning" }, isSettled ? has : `${has}; comes or goes`),
    element("span", { class: "quiet" }, since),
  );
}

/** @param {ClusterStanding} standing */
function troubleOf({ shards: { unowned, total }, holdsLease, lagMs }) {
  const late = `nothing was heard of the NATS servers for ${lasting(lagMs)}`;
  return [
    holdsLease ? "" : `This node holds no connections: ${late}.`,
    holdsLease && lagMs > lateMs ? `This node may lose its connections: ${late}.` : "",
    unowned.length === 0
      ? ""
      : `${unowned.length} of ${count(total, "shard")} belong to no node at present (${unowned.join(", ")}): calls for their connections wait.`,
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {ClusterStanding} standing */
function movesOf({ moves }) {
  const all = Object.entries(moves).map(([cause, times]) => `${times} ${moveCauses[cause] ?? cause}`);
  return all.length === 0 ? "" : `Shards that came to this node: ${all.join(", ")}`;
}

/** @param {number} number @param {string} what */
function count(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}
