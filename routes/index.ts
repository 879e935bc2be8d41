import { OpenAPIHono } from "@hono/zod-openapi";
import { mountControl, mountOpening } from "./connections.ts";
import type { App, AppEnv, Services } from "./context.ts";
import { mountEvents } from "./events.ts";
import { mountHealth } from "./health.ts";
import { mountMessages } from "./messages.ts";
import { accessLog } from "./middleware/access-log.ts";
import { browserSafety } from "./middleware/browser-safety.ts";
import { crossOrigin } from "./middleware/cross-origin.ts";
import { limitBody } from "./middleware/json-body.ts";
import { checkEncoding } from "./middleware/percent-encoding.ts";
import { onError, onInvalid, onNotFound } from "./middleware/problems.ts";
import { nameRequests, sayRequestId } from "./middleware/request-id.ts";
import { protectAnswer } from "./middleware/response-headers.ts";
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
  app.use(nameRequests(protectAnswer));
  if (services.logger.level === "debug") app.use(accessLog(services.logger, services.clock));
  // Before what may refuse: a page that may call has to be able to read why it was refused.
  if (services.browsers.corsOrigins.size > 0) app.use(crossOrigin(services.browsers));
  app.use(browserSafety(services.browsers));
  // Limits its body by itself: a stream of lines has no end.
  mountPublish(app, services);
  app.use(sayRequestId());
  app.use(checkEncoding());
  app.use(limitBody(services.maxBodyBytes));
  mountHealth(app, services);
  mountProblems(app);
  mountOpening(app, services);
  mountReading(app, services);
  mountControl(app, services);
  mountEvents(app, services);
  mountSubscriptions(app, services);
  mountOutbox(app, services);
  mountMessages(app, services);
  mountRequest(app, services);
  mountRetained(app, services);
  mountProbe(app, services);
  mountWebhooks(app, services);
  mountDeliveries(app, services);
  return app;
}
