import type { IPublishPacket, MqttClient } from "mqtt";

/** A request as it came to the other side. */
export interface Request {
  readonly topic: string;
  readonly payload: string;
  readonly responseTopic: string;
  readonly correlationData: Buffer;
  readonly packet: IPublishPacket;
}

export interface Responder {
  readonly requests: readonly Request[];
  /** Resolves when so many have come. */
  until(count: number): Promise<readonly Request[]>;
  respond(request: Request, payload: string | Buffer, properties?: object): Promise<unknown>;
}

/** Subscribes to a topic and takes requests; answers each by itself with what `answer` gives, if that is not null. */
export async function respondOn(
  client: MqttClient,
  topicFilter: string,
  answer: (request: Request) => string | null = () => null,
): Promise<Responder> {
  const requests: Request[] = [];
  let wake: () => void = () => {};
  const respond: Responder["respond"] = ({ responseTopic, correlationData }, payload, properties = {}) =>
    client.publishAsync(responseTopic, payload, { qos: 1, properties: { correlationData, ...properties } });
  client.on("message", (topic, payload, packet) => {
    const { responseTopic = "", correlationData = Buffer.alloc(0) } = packet.properties ?? {};
    const request = { topic, payload: String(payload), responseTopic, correlationData, packet };
    requests.push(request);
    const said = answer(request);
    // The response is there before its PUBACK, and with it the test may be over; one that is missing is what fails it.
    if (said !== null) respond(request, said).catch(() => {});
    wake();
  });
  await client.subscribeAsync(topicFilter, { qos: 1 });
  return {
    requests,
    respond,
    async until(count) {
      while (requests.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return requests;
    },
  };
}
