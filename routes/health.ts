import { isOperator } from "../src/access/principal.ts";
import { stateCounts } from "../src/metrics/view.ts";
import type { App, Services } from "./context.ts";

/** `/healthz`: the process answers. `/readyz`: it takes work; an operator sees more. `/version`. */
export function mountHealth(app: App, services: Services): void {
  const { parts, cluster, version, accepting, progress } = services;
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", (c) => {
    const { restoring, health: store, streams } = parts;
    const standing = cluster?.() ?? null;
    const ready = accepting() && store.state === "open" && restoring === 0 && standing?.holdsLease !== false;
    // How much there is of everything is for who runs the server.
    if (!isOperator(c.get("principal"))) return c.json({ ready }, ready ? 200 : 503);
    const counts = { connections: stateCounts(parts), streams };
    const node = standing === null ? {} : { cluster: standing };
    const said = { ready, store, restoring, progress: progress(), ...counts, ...node };
    return c.json(said, ready ? 200 : 503);
  });
  app.get("/version", (c) => c.json({ name: "connack", version }));
}
