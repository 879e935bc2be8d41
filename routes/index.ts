import { OpenAPIHono } from "@hono/zod-openapi";
import { mountControl, mountOpening } from "./connections.ts";
import type { App, AppEnv, Services } from "./context.ts";
import { mountEvents } from "./events.ts";
import { mountHealth } from "./health.ts";
import { mountMessages } from "./messages.ts";
import { accessLog } from "./middleware/access-log.ts";
import { readBodies } from "./middleware/body-budget.ts";
import { browserSafety } from "./middleware/browser-safety.ts";
import { counting } from "./middleware/counting.ts";
import { onError, onInvalid, onNotFound } from "./middleware/problems.ts";
import { limitRate } from "./middleware/rate.ts";
import { ofTenant } from "./middleware/tenant.ts";
import { nameRequests, sayRequestId } from "./middleware/request-id.ts";
import { mountMetrics } from "./metrics.ts";
import { mountOutbox } from "./outbox.ts";
import { mountProbe } from "./probe.ts";
import { mountProblems } from "./problems.ts";
import { mountPublish } from "./publish.ts";
import { mountReading } from "./reading.ts";
import { mountRequest } from "./request.ts";
import { mountRetained } from "./retained.ts";
import { mountSubscriptions } from "./subscriptions.ts";
import { mountDeliveries } from "./webhook-deliveries.ts";
import { mountWebhooks } from "./webhooks.ts";

/** Every route, in order. */
export function createRoutes(services: Services): App {
  const app: App = new OpenAPIHono<AppEnv>({ defaultHook: onInvalid });
  app.onError(onError(services.logger));
  app.notFound(onNotFound(app));
  app.use(counting(services.counters));
  app.use(nameRequests());
  if (services.logger.level === "debug") app.use(accessLog(services.logger, services.clock));
  app.use(browserSafety(services.allowedHosts));
  app.use((c, next) => {
    c.set("principal", services.principal);
    return next();
  });
  app.use(ofTenant(services.tenants));
  app.use(limitRate(services.tellsRates));
  // Limits its body by itself: a stream of lines has no end.
  mountPublish(app, services);
  app.use(sayRequestId());
  app.use(readBodies(services.maxBodyBytes));
  mountHealth(app, services);
  mountMetrics(app, services);
  mountProblems(app);
  mountOpening(app, services);
  mountReading(app);
  mountControl(app);
  mountEvents(app, services);
  mountSubscriptions(app);
  mountOutbox(app);
  mountMessages(app, services);
  mountRequest(app, services);
  mountRetained(app);
  mountProbe(app, services);
  mountWebhooks(app);
  mountDeliveries(app);
  return app;
}
