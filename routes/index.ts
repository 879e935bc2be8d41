import { OpenAPIHono } from "@hono/zod-openapi";
import { mountControl, mountOpening } from "./connections.ts";
import type { App, AppEnv, Services } from "./context.ts";
import { mountDashboard } from "./dashboard.ts";
import { mountEvents } from "./events.ts";
import { mountHealth } from "./health.ts";
import { mountMessages } from "./messages.ts";
import { accessLog } from "./middleware/access-log.ts";
import { readBodies } from "./middleware/body-budget.ts";
import { crossOrigin } from "./middleware/cross-origin.ts";
import { checkEncoding } from "./middleware/percent-encoding.ts";
import { admitting, answering } from "./middleware/front-door.ts";
import { onError, onInvalid, onNotFound } from "./middleware/problems.ts";
import { sayRequestId } from "./middleware/request-id.ts";
import { mountMetrics } from "./metrics.ts";
import { mountOutbox } from "./outbox.ts";
import { mountProbe } from "./probe.ts";
import { mountProblems } from "./problems.ts";
import { mountPublish } from "./publish.ts";
import { mountReading } from "./reading.ts";
import { mountReference } from "./reference.ts";
import { mountRequest } from "./request.ts";
import { mountRetained } from "./retained.ts";
import { mountSession } from "./session.ts";
import { mountTickets } from "./stream-tickets.ts";
import { mountSubscriptions } from "./subscriptions.ts";
import { mountTokens } from "./tokens.ts";
import { mountDeliveries } from "./webhook-deliveries.ts";
import { mountWebhooks } from "./webhooks.ts";

/** Every route, in order. */
export function createRoutes(services: Services): App {
  const app: App = new OpenAPIHono<AppEnv>({ defaultHook: onInvalid });
  app.onError(onError(services.logger));
  app.notFound(onNotFound(app));
  // Around everything, so that it sees the answer as it leaves.
  if (services.traced !== null) app.use(services.traced);
  app.use(answering(services));
  if (services.logger.level === "debug") app.use(accessLog(services.logger, services.clock));
  // Before what may refuse: a page that may call has to be able to read why it was refused.
  if (services.browsers.corsOrigins.size > 0) app.use(crossOrigin(services.browsers));
  app.use(admitting(services));
  // Limits its body by itself: a stream of lines has no end.
  mountPublish(app, services);
  app.use(sayRequestId());
  app.use(checkEncoding());
  app.use(readBodies(services.maxBodyBytes));
  mountHealth(app, services);
  mountMetrics(app, services);
  mountProblems(app);
  mountReference(app, services);
  mountDashboard(app);
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
  mountTokens(app, services);
  mountTickets(app, services);
  mountSession(app, services);
  return app;
}
