import { hostname } from "node:os";
import { z } from "zod";
import { risks, type Risk } from "../cluster/safety.ts";
import { commaSeparated, integer, natsUrls } from "./forms.ts";
import { setting, type Setting } from "./setting.ts";

const fileName = z.string().min(1, "expected the name of a file").max(4_096);
const word = z.string().regex(/^[A-Za-z0-9_-]{1,32}$/, "expected 1 to 32 letters, digits, - or _");
const nodeName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "expected 1 to 63 letters, digits, dots, - or _");

const riskList = z
  .string()
  .transform(commaSeparated)
  .refine(
    (list) => list.every((each) => (risks as readonly string[]).includes(each)),
    `expected some of ${risks.join(", ")}`,
  )
  .transform((list) => list as Risk[]);

/** Several nodes on one store. All of it has no effect unless the store is `nats:…`. */
export const clusterSettings = {
  CLUSTER_NAME: setting(
    word,
    "connack",
    "Where the store is `nats:…`: the name of the stream in NATS, and the first word of all subjects. Nodes with the same one are a cluster.",
  ),
  CLUSTER_NODE: setting<string | null>(
    nodeName,
    null,
    "What this node is called. It gets the same shards when it is started again under the same name; no two nodes may have one.",
    `the host's name and the port`,
  ),
  CLUSTER_REPLICAS: setting(
    integer(1, 5),
    3,
    "Copies of each record that the NATS servers keep: 1, 3 or 5. A record is acknowledged when most of them have it.",
  ),
  CLUSTER_SHARDS: setting(
    integer(1, 128),
    12,
    "Parts that all is divided into, and that nodes take and give: the first has tokens, sessions and webhooks, the others connections. What the first node says counts for as long as the stream is there.",
  ),
  CLUSTER_SYSTEM_URL: {
    ...setting<readonly URL[] | null>(
      natsUrls,
      null,
      "NATS URL with a user of the system account, which may ask all servers for their version and `sync_interval`. Used at the start only.",
      "none",
    ),
    secret: true,
  },
  CLUSTER_ALLOW: setting<readonly Risk[]>(
    riskList,
    [],
    "Risks that are taken, comma-separated, where a node would not start: `old-servers`, `few-replicas`, `lazy-sync`, `unchecked-servers`.",
    "none",
  ),
  NATS_CREDENTIALS_FILE: setting<string | null>(
    fileName,
    null,
    "File with the credentials (JWT and key) of a NATS user, as `nsc` writes it, instead of a user and a password in the URL.",
    "none",
  ),
  NATS_CA_FILE: setting<string | null>(
    fileName,
    null,
    "File with the certificates, as PEM, that may have signed those of the NATS servers. Turns TLS on.",
    "the system's",
  ),
  NATS_CERT_FILE: setting<string | null>(
    fileName,
    null,
    "File with a certificate, as PEM, that NATS servers are shown which ask for one.",
    "none",
  ),
  NATS_KEY_FILE: setting<string | null>(fileName, null, "File with its private key, as PEM.", "none"),
} satisfies Record<string, Setting<unknown>>;

/** What a node is called where nothing says so. */
export function defaultNodeName(port: number): string {
  return `${hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, 50)}-${port}`;
}
