import type { EncodedPublish } from "../broker/publish-packet.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Problem } from "../problem.ts";
import type { Published, Submission } from "./publisher.ts";

const nobody = () => {};

/** One message on its way. */
export class Flight implements Submission {
  readonly qos: QoS;
  readonly publish: EncodedPublish;
  readonly version: ProtocolVersion;
  readonly startedAt: number;
  done: (result: Published | Problem) => void;
  /** Where it waits to be sent; null once it has been. */
  queue: Set<Flight> | null = null;
  readonly #onCancel: (flight: Flight) => void;

  constructor(
    message: { readonly qos: QoS; readonly publish: EncodedPublish; readonly version: ProtocolVersion },
    startedAt: number,
    done: (result: Published | Problem) => void,
    onCancel: (flight: Flight) => void,
  ) {
    this.qos = message.qos;
    this.publish = message.publish;
    this.version = message.version;
    this.startedAt = startedAt;
    this.done = done;
    this.#onCancel = onCancel;
  }

  get sent(): boolean {
    return this.queue === null;
  }

  cancel(): boolean {
    this.done = nobody;
    const { sent } = this;
    if (!sent) this.#onCancel(this);
    return sent;
  }
}
