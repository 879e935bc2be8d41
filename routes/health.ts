import { isOperator } from "../src/access/principal.ts";
import type { App, Services } from "./context.ts";

/** `/healthz`: the process answers. `/readyz`: it takes work; an operator sees more. `/version`. */
export function mountHealth(app: App, services: Services): void {
  const { registry, streams, version, accepting, store, restoring } = services;
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", (c) => {
    const left = restoring();
    const ready = accepting() && store.health.state === "open" && left === 0;
    // How much there is of everything is for who runs the server.
    if (!isOperator(c.var.principal)) return c.json({ ready }, ready ? 200 : 503);
    const said = { ready, store: store.health, restoring: left, connections: registry.count() };
    return c.json({ ...said, streams: streams.size }, ready ? 200 : 503);
  });
  app.get("/version", (c) => c.json({ name: "connack", version }));
}
