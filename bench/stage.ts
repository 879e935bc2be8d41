import { startBroker, type Broker } from "./broker.ts";
import { program, startChild, type Child } from "./child.ts";
import { feeding, type Feed } from "./feed.ts";
import { Contestant } from "./turns.ts";

/** Events that are on their way to readers at once, or a few messages at least. */
const mostUnderWay = 32_768;

/** What takes part besides whoever delivers. */
export class Stage implements AsyncDisposable {
  readonly broker: Broker;
  readonly #stack: AsyncDisposableStack;
  readonly #readers: number;
  readonly #ahead: number;

  private constructor(broker: Broker, stack: AsyncDisposableStack, readers: number, ahead: number) {
    this.broker = broker;
    this.#stack = stack;
    this.#readers = readers;
    this.#ahead = ahead;
  }

  /** For so many readers of everyone's, with so many messages on their way to them at once. */
  static async set(
    readers: number,
    ahead = Math.max(16, Math.floor(mostUnderWay / readers)),
  ): Promise<Stage> {
    const stack = new AsyncDisposableStack();
    const broker = stack.use(await startBroker({ webSocket: true }));
    return new Stage(broker, stack, readers, ahead);
  }

  keep<T extends AsyncDisposable>(part: T): T {
    return this.#stack.use(part);
  }

  /** Readers of one kind, as many as there are to be. */
  async open(name: string, kind: string, url: string, target: string, count = this.#readers): Promise<Child> {
    const child = this.keep(startChild(program(name)));
    await child.ask({ command: "open", kind, url, target, count });
    return child;
  }

  /** Messages out of a publisher process, by way of the broker, on a topic of their own. */
  async feeder(
    topic: string,
  ): Promise<{ readonly publish: (count: number) => Promise<unknown>; readonly pid: number }> {
    const feeder = this.keep(startChild(program("feeder.ts")));
    await feeder.ask({ command: "connect", url: this.broker.url, topic });
    return { publish: (count) => feeder.ask({ command: "publish", count }), pid: feeder.pid };
  }

  contestant(
    name: string,
    pids: Readonly<Record<string, number>>,
    readers: Child,
    feed: Omit<Feed, "readers" | "each" | "underWay">,
  ): Contestant {
    const each = this.#readers;
    const underWay = this.#ahead;
    return new Contestant(
      name,
      { ...pids, readers: readers.pid },
      null,
      feeding({ ...feed, readers, each, underWay }),
    );
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#stack.disposeAsync();
  }
}
