import type { ProbeResult } from "./probe.ts";

/** What a probe came to, as `POST /probe` answers; `requestId` names the call. */
export function probeView({ ok, stages, established, problem }: ProbeResult, requestId: string) {
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
    ...(problem === null ? {} : { problem: problem.toBody(requestId) }),
  };
}
