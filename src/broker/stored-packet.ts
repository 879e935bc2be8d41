import type { IPublishPacket } from "mqtt";

interface Bytes {
  readonly base64: string;
}

const toBytes = (value: string | Uint8Array): Bytes => ({ base64: Buffer.from(value).toString("base64") });
const fromBytes = ({ base64 }: Bytes): Buffer => Buffer.from(base64, "base64");

/** A PUBLISH as a text that can be kept: as it was parsed, with its topic name whole. */
export function packetToText({ payload, properties, ...rest }: IPublishPacket): string {
  const { correlationData, ...others } = properties ?? {};
  return JSON.stringify({
    ...rest,
    payload: toBytes(payload),
    ...(properties === undefined ? {} : { properties: others }),
    ...(correlationData === undefined ? {} : { correlationData: toBytes(correlationData) }),
  });
}

/** The PUBLISH of a text that {@link packetToText} made. */
export function packetFromText(text: string): IPublishPacket {
  const { payload, properties, correlationData, ...rest } = JSON.parse(text) as Omit<
    IPublishPacket,
    "payload"
  > & {
    readonly payload: Bytes;
    readonly correlationData?: Bytes;
  };
  return {
    ...rest,
    payload: fromBytes(payload),
    ...(properties === undefined
      ? {}
      : {
          properties: {
            ...properties,
            ...(correlationData === undefined ? {} : { correlationData: fromBytes(correlationData) }),
          },
        }),
  };
}
