// @ts-check
/** Fields of a connection request that are secret, besides the password, wherever they are. */
const secretFields = new Set(["passphrase", "key", "headers", "authenticationData"]);
const password = "$BROKER_PASSWORD";

/**
 * A call as a command for a shell. Tokens and passwords stand as variables, for a clipboard is read by others.
 *
 * @param {string} method
 * @param {string} path
 * @param {Readonly<Record<string, unknown>> | undefined} body
 * @param {boolean} isOpen whether the server needs no token
 */
export function curl(method, path, body, isOpen) {
  // A stream is shown as it comes.
  const parts = [path.includes("format=ndjson") ? "curl -sN" : "curl -s"];
  if (method !== "GET" && (method !== "POST" || body === undefined)) parts.push(`-X ${method}`);
  if (!isOpen) parts.push('-H "Authorization: Bearer $CONNACK_TOKEN"');
  parts.push(quote(`${location.origin}${path}`));
  if (body !== undefined) {
    parts.push("-H 'Content-Type: application/json'");
    // Out of the quotes and into them again, where the shell is to put the password.
    const json = quote(JSON.stringify(body, hide));
    parts.push(`-d ${json.replace(`"password":"${password}"`, `"password":"'"${password}"'"`)}`);
  }
  return parts.join(" ");
}

/** @param {string} name @param {unknown} value */
function hide(name, value) {
  if (name === "password") return password;
  return secretFields.has(name) ? "secret" : value;
}

/** @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
