/** @jsxImportSource hono/jsx */
import { Choice, Curl, Field } from "./controls.tsx";

const states = ["connected", "connecting", "waiting", "failed"] as const;

/** In this order, which is that of the cells of a row in `client/list.js`. */
const columns = [
  "Id",
  "State",
  "Broker",
  "Reason",
  "Next attempt",
  "Version",
  "TLS",
  "In / out per s",
] as const;

/** What is so over all that the caller sees. */
export const Totals = () => (
  <ul id="totals" aria-label="Totals">
    {states.map((state) => (
      <li>
        <button type="button" data-only={state} aria-pressed="false">
          <b id={`total-${state}`}>0</b> <span>{state}</span>
        </button>
      </li>
    ))}
    {(["in", "out"] as const).map((way) => (
      <li class="figure">
        <b id={`total-${way}`}>–</b> <span>messages {way}</span>
        <span id={`spark-${way}`} class="spark"></span>
      </li>
    ))}
    <li class="figure">
      <b id="total-oldest">–</b> <span>oldest unacknowledged</span>
    </li>
    <li class="figure">
      <b id="total-streams">–</b> <span>streams</span>
    </li>
  </ul>
);

export const ListSection = () => (
  <section aria-labelledby="list-title">
    <div class="bar">
      <h2 id="list-title">Connections</h2>
      <Curl id="list" of="this list" />
      <form id="filter" role="search">
        <Field label="Find" name="text" type="search" />
        <Choice
          label="State"
          name="state"
          id="state"
          options={{ "": "all", ...Object.fromEntries([...states, "closing"].map((each) => [each, each])) }}
        />
        <Field label="Label" name="label" placeholder="name:value" />
      </form>
    </div>
    <div id="list-answer" class="answer" role="status"></div>
    <table>
      <thead>
        <tr>
          {columns.map((name) => (
            <th scope="col">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody id="rows"></tbody>
    </table>
    <p id="empty" class="quiet"></p>
    <nav aria-label="Pages" class="bar">
      <button id="previous" type="button">
        Previous
      </button>
      <span id="count"></span>
      <button id="next" type="button">
        Next
      </button>
    </nav>
  </section>
);
