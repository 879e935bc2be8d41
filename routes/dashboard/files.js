// They are texts here, whatever they export elsewhere.
/* oxlint-disable import/default */
/** The files of the page, as texts: so they are in a program that is one file, too. By hand: what else is in the folder is nobody's. */
import indexHtml from "./client/index.html" with { type: "text" };
import styleCss from "./client/style.css" with { type: "text" };
import partsCss from "./client/parts.css" with { type: "text" };
import mainJs from "./client/main.js" with { type: "text" };
import apiJs from "./client/api.js" with { type: "text" };
import connectJs from "./client/connect.js" with { type: "text" };
import connectionsJs from "./client/connections.js" with { type: "text" };
import curlJs from "./client/curl.js" with { type: "text" };
import detailJs from "./client/detail.js" with { type: "text" };
import domJs from "./client/dom.js" with { type: "text" };
import listJs from "./client/list.js" with { type: "text" };
import timelineJs from "./client/timeline.js" with { type: "text" };
import trafficJs from "./client/traffic.js" with { type: "text" };
import wordsJs from "./client/words.js" with { type: "text" };

export const files = {
  "index.html": indexHtml,
  "style.css": styleCss,
  "parts.css": partsCss,
  "main.js": mainJs,
  "api.js": apiJs,
  "connect.js": connectJs,
  "connections.js": connectionsJs,
  "curl.js": curlJs,
  "detail.js": detailJs,
  "dom.js": domJs,
  "list.js": listJs,
  "timeline.js": timelineJs,
  "traffic.js": trafficJs,
  "words.js": wordsJs,
};
