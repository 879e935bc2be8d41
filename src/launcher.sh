#!/bin/sh
# `connack` of the npm package. Node, which runs what npm installs, does not run Connack: this finds what does.
# By exec, so that signals reach the server, and its exit status whoever waits.
set -eu
package=$(dirname "$(dirname "$(readlink -f "$0")")")
main=$package/dist/server/main.js
# `npm install bun` puts it beside, where no PATH leads when this is called by its path.
for bun in "$package/../.bin/bun" bun; do
  if command -v "$bun" >/dev/null; then exec "$bun" "$main" "$@"; fi
done
if command -v deno >/dev/null; then
  # What is installed is all that it may load; a lock file in the folder of whoever calls is not for it to write.
  exec deno run -A --unstable-no-legacy-abort --node-modules-dir=manual --no-lock --no-config "$main" "$@"
fi
echo "connack: neither Bun nor Deno is on the PATH; \"npm install bun\" beside it is enough" >&2
exit 127
