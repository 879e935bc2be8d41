import { timestamp } from "../clock.ts";
import type { ProbeResult } from "./probe.ts";

/** What a probe came to, as `POST /probe` answers; `requestId` names the call. */
export function probeView(
  { ok, stages, established, problem, certificateEndsAt }: ProbeResult,
  requestId: string,
) {
  return {
    ok,
    stages,
    ...(established === null
      ? {}
      : {
          connack: established.connack,
          protocolVersion: established.protocolVersion,
          clientId: established.clientId,
          address: established.address,
        }),
    ...(certificateEndsAt === null ? {} : { certificateEndsAt: timestamp(certificateEndsAt) }),
    ...(problem === null ? {} : { problem: problem.toBody(requestId) }),
  };
}
