import { createHmac } from "node:crypto";
import type { Secret } from "../secret.ts";
import { defaultTenant, scopes, type Principal } from "./principal.ts";
import { Tenure } from "./tenure.ts";
import { hashOf } from "./token.ts";

/** The id of the principal, and of the token, that is a setting. */
export const adminId = "admin";

/** The token that is a setting, and who calls with it. */
export class Admin {
  readonly hash: Buffer;
  /** Tells whether something was made with the same token, and is kept for that; another one gives another. */
  readonly mark: string;
  readonly principal: Principal = {
    id: adminId,
    tenant: defaultTenant,
    scopes: new Set(scopes),
    publish: null,
    subscribe: null,
    tenure: new Tenure(),
  };

  constructor(token: Secret) {
    this.hash = hashOf(token.reveal());
    this.mark = createHmac("sha256", this.hash).update("connack: made with the admin token").digest("base64");
  }
}
