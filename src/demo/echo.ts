import type { Aedes } from "aedes";

/** What there is to ask in the demo: requests to this topic come back as they are. */
export const echoTopic = "demo/echo";

interface RequestProperties {
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
}

/** Answers requests (MQTT 5 §4.10) within the broker, so that the demo has a responder. */
export function answerEchoes(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => {
    aedes.subscribe(
      echoTopic,
      (packet, done) => {
        const { responseTopic, correlationData } =
          (packet as { properties?: RequestProperties }).properties ?? {};
        if (responseTopic === undefined) return done();
        const response = {
          cmd: "publish",
          topic: responseTopic,
          payload: packet.payload,
          qos: 0,
          retain: false,
          dup: false,
          ...(correlationData === undefined ? {} : { properties: { correlationData } }),
        } as const;
        return aedes.publish(response, () => done());
      },
      () => resolve(),
    );
  });
}
