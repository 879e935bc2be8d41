/** Run as a program: Connack on the address that is given, which `main.ts` would refuse. */
import { createApp } from "../../src/app.ts";
import { createLogger } from "../../src/log.ts";
import { serve } from "../../src/serve.ts";
import { parseSettings } from "../../src/settings.ts";

const [address = "127.0.0.1"] = process.argv.slice(2);
const logger = createLogger({ level: "error", format: "text", write: () => {}, now: Date.now });
const settings = parseSettings({ CONNACK_STORE: "memory", ...process.env });
const app = await createApp(settings, logger, "0.0.0-test");
const serving = serve(app, address, 0, { limits: settings });
app.listening(serving.hostname, serving.port);
process.stdout.write(`http://${address}:${serving.port}\n`);
