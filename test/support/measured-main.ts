/** Run as a program: `main.ts`, which prints its memory each second. */
await import("../../src/main.ts");

setInterval(() => process.stdout.write(`rss=${process.memoryUsage().rss}\n`), 1_000);
