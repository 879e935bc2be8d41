// @ts-check
/**
 * A call as a command for a shell. Tokens and passwords stand as variables, for a clipboard is read by others.
 *
 * @param {string} method
 * @param {string} path
 * @param {Readonly<Record<string, unknown>> | undefined} body
 * @param {boolean} isOpen whether the server needs no token
 */
export function curl(method, path, body, isOpen) {
  const parts = ["curl -s"];
  if (method !== "GET" && (method !== "POST" || body === undefined)) parts.push(`-X ${method}`);
  if (!isOpen) parts.push('-H "Authorization: Bearer $CONNACK_TOKEN"');
  parts.push(quote(`${location.origin}${path}`));
  if (body !== undefined) {
    parts.push("-H 'Content-Type: application/json'");
    // Out of the quotes and into them again.
    const hidden = body["password"] === undefined ? body : { ...body, password: "$BROKER_PASSWORD" };
    parts.push(`-d ${quote(JSON.stringify(hidden)).replace('"$BROKER_PASSWORD"', `"'"$BROKER_PASSWORD"'"`)}`);
  }
  return parts.join(" ");
}

/** @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
