import { parentPort, workerData } from "node:worker_threads";
import { Commits } from "./sqlite-commits.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import { isBusy, UnusableStore, type SqliteOptions } from "./sqlite-file.ts";
import type { FromEngine, Read, ToEngine } from "./sqlite-messages.ts";
import { StoreError } from "./store.ts";

// The store's own thread: a disk that is slow stops this one, and not the one that answers and pings.
const port = parentPort;
if (port !== null) serveEngine(workerData as SqliteOptions, (message) => port.postMessage(message));

function serveEngine(options: SqliteOptions, say: (message: FromEngine) => void): void {
  const engine = openEngine(options, say);
  if (engine === null) return;
  say({ type: "opened", epoch: engine.epoch, health: engine.health });
  const commits = new Commits(engine, say);
  port?.on("message", (message: ToEngine) => {
    switch (message.type) {
      case "commit":
        return commits.add(message);
      case "recover":
        return say({ type: "recovered", results: engine.recover(), health: engine.health });
      case "acquire":
        commits.run();
        return answer(message.number, say, () => engine.acquire());
      case "read":
        return answer(message.number, say, () => readFrom(engine, message.read));
      case "close":
        commits.run();
        engine.close();
        return say({ type: "closed" });
      default:
        return message satisfies never;
    }
  });
}

function openEngine(options: SqliteOptions, say: (message: FromEngine) => void): SqliteEngine | null {
  try {
    return new SqliteEngine(options, (opening) => say({ type: "opening", opening }));
  } catch (error) {
    const known = error instanceof UnusableStore;
    const message = known ? error.message : `${options.file}: ${String(error)}`;
    say({ type: "refused", message, inUse: known && isBusy(error.cause) });
    return null;
  }
}

function answer(number: number, say: (message: FromEngine) => void, work: () => unknown): void {
  try {
    say({ type: "answer", number, value: work() });
  } catch (error) {
    const { kind, message, firstPosition } =
      error instanceof StoreError
        ? error
        : new StoreError("unavailable", `The store cannot be read: ${String(error)}`);
    say({ type: "error", number, kind, message, firstPosition });
  }
}

function readFrom(engine: SqliteEngine, read: Read): unknown {
  const statements = engine.reading;
  if (statements === null) throw new StoreError("unavailable", "The store cannot be read at present");
  switch (read.method) {
    case "records":
      return statements.records(...read.args);
    case "count":
      return statements.count(...read.args);
    case "spaces":
      return statements.spaces(...read.args);
    case "get":
      return statements.get(...read.args);
    case "entries":
      return statements.entries(...read.args);
    case "logs":
      return statements.logs(...read.args);
    default:
      return read satisfies never;
  }
}
