import type { App, Services } from "./context.ts";

/** `/healthz`: the process answers. `/readyz`: it takes work. `/version`. */
export function mountHealth(app: App, { registry, streams, version, accepting }: Services): void {
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", (c) => {
    const ready = accepting();
    return c.json({ ready, connections: registry.count(), streams: streams.size }, ready ? 200 : 503);
  });
  app.get("/version", (c) => c.json({ name: "connack", version }));
}
