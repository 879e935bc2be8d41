/** Run as a program: a log to which events are appended, 1,000 a second, and its streams; it prints a line a second. */
import { startLogApp } from "./log-app.ts";

const eventBytes = 4_000;
const bounds = { maxEntries: 4_000, maxBytes: 16_777_216 };
const app = startLogApp(bounds, { heartbeatMs: 1_000, writeTimeoutMs: 6_000 });
process.stdout.write(`${app.url}\n`);
const start = performance.now();
let appended = 0;
setInterval(() => {
  for (; appended < performance.now() - start; appended += 1) {
    app.append(eventBytes);
    if (appended % 1_000 === 0)
      process.stdout.write(
        `appended=${appended} rss=${process.memoryUsage().rss} streams=${app.streams.size}\n`,
      );
  }
}, 5);
