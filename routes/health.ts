import { isOperator } from "../src/access/principal.ts";
import type { StateName } from "../src/connection/state.ts";
import type { Tenants } from "../src/tenants.ts";
import type { App, Services } from "./context.ts";

/** `/healthz`: the process answers. `/readyz`: it takes work; an operator sees more. `/version`. */
export function mountHealth(app: App, services: Services): void {
  const { tenants, streams, version, accepting, store, restoring, progress } = services;
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", (c) => {
    const left = restoring();
    const ready = accepting() && store.health.state === "open" && left === 0;
    // How much there is of everything is for who runs the server.
    if (!isOperator(c.get("principal"))) return c.json({ ready }, ready ? 200 : 503);
    const counts = { connections: countStates(tenants), streams: streams.size };
    const said = { ready, store: store.health, restoring: left, progress: progress(), ...counts };
    return c.json(said, ready ? 200 : 503);
  });
  app.get("/version", (c) => c.json({ name: "connack", version }));
}

/** Of all tenants. */
function countStates(tenants: Tenants): Record<StateName, number> {
  const sum = { connecting: 0, connected: 0, waiting: 0, failed: 0, closing: 0, closed: 0 };
  for (const { registry } of tenants)
    for (const [state, count] of Object.entries(registry.count())) sum[state as StateName] += count;
  return sum;
}
