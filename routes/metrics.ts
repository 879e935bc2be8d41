import { isOperator } from "../src/access/principal.ts";
import type { MetricsView } from "../src/metrics/view.ts";
import type { Tenant } from "../src/tenant.ts";
import type { App, Services } from "./context.ts";
import { needs } from "./middleware/scopes.ts";

/** `GET /metrics`: all of the server for who rules over it; for others, what is their tenant's. */
export function mountMetrics(app: App, { metrics, serverMetrics, parts }: Services): void {
  app.get("/metrics", needs("connections:read"), async (c) => {
    const { principal, tenant } = c.var;
    const view = isOperator(principal) ? serverMetrics() : viewOf(tenant, parts);
    const headers = { "content-type": metrics.contentType, "cache-control": "no-store" };
    return c.body(await metrics.text(view), 200, headers);
  });
}

function viewOf({ name, budgets, rates, counters }: Tenant, parts: Services["parts"]): MetricsView {
  return {
    limits: [...Object.values(budgets), ...Object.values(rates)],
    ...{ counters, registries: parts.registriesOf(name), server: null },
    streams: budgets.streams.used,
  };
}
