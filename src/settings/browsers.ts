import { origin, originList } from "./forms.ts";
import { setting, type Setting } from "./setting.ts";

/** Which web pages may call. */
export const browserSettings = {
  PUBLIC_URL: setting<string | null>(
    origin,
    null,
    "Where the service is reached from outside, as `https://connack.example`, without a path. Its host may stand in `Host`, and its own pages may call, also where a proxy writes another `Host`.",
    "none",
  ),
  CORS_ORIGINS: setting(
    originList,
    [] as string[],
    "Origins, comma-separated, whose web pages may call (CORS), as `https://app.example,http://localhost:5173`.",
    "none",
  ),
} satisfies Record<string, Setting<unknown>>;
