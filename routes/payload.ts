import type { AppContext } from "./context.ts";

/** A media type with parameters, as RFC 9110 §8.3.1 has it; what a device sends may be anything. */
const mediaType =
  /^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,64}( *; *[a-z0-9!#$&^_.+-]{1,64}=[a-z0-9!#$&^_.+-]{1,64})*$/i;

/**
 * Answers with a payload as it came. Whoever publishes decides what is in it, so that no browser may take it for a page
 * of this server: it is an attachment, of the type that it says, without scripts and without an origin.
 */
export function payloadResponse(c: AppContext, payload: Buffer, contentType: string | undefined): Response {
  const type = contentType !== undefined && mediaType.test(contentType) ? contentType : null;
  return c.body(new Uint8Array(payload), 200, {
    "content-type": type ?? "application/octet-stream",
    "content-disposition": "attachment",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
  });
}
