// They are texts here, whatever they export elsewhere.
/* oxlint-disable import/default */
/** The files of the page, as texts: so they are in a program that is one file, too. By hand: what else is in the folder is nobody's. */
import styleCss from "./client/style.css" with { type: "text" };
import partsCss from "./client/parts.css" with { type: "text" };
import listCss from "./client/list.css" with { type: "text" };
import clusterCss from "./client/cluster.css" with { type: "text" };
import mainJs from "./client/main.js" with { type: "text" };
import apiJs from "./client/api.js" with { type: "text" };
import clusterJs from "./client/cluster.js" with { type: "text" };
import connectJs from "./client/connect.js" with { type: "text" };
import connectionsJs from "./client/connections.js" with { type: "text" };
import curlJs from "./client/curl.js" with { type: "text" };
import detailJs from "./client/detail.js" with { type: "text" };
import domJs from "./client/dom.js" with { type: "text" };
import listJs from "./client/list.js" with { type: "text" };
import serverJs from "./client/server.js" with { type: "text" };
import sparklineJs from "./client/sparkline.js" with { type: "text" };
import probeJs from "./client/probe.js" with { type: "text" };
import historyJs from "./client/history.js" with { type: "text" };
import totalsJs from "./client/totals.js" with { type: "text" };
import limitsJs from "./client/limits.js" with { type: "text" };
import timelineJs from "./client/timeline.js" with { type: "text" };
import trafficJs from "./client/traffic.js" with { type: "text" };
import wordsJs from "./client/words.js" with { type: "text" };

export const files = {
  "style.css": styleCss,
  "parts.css": partsCss,
  "list.css": listCss,
  "cluster.css": clusterCss,
  "main.js": mainJs,
  "api.js": apiJs,
  "cluster.js": clusterJs,
  "connect.js": connectJs,
  "connections.js": connectionsJs,
  "curl.js": curlJs,
  "detail.js": detailJs,
  "dom.js": domJs,
  "list.js": listJs,
  "server.js": serverJs,
  "sparkline.js": sparklineJs,
  "probe.js": probeJs,
  "history.js": historyJs,
  "totals.js": totalsJs,
  "limits.js": limitsJs,
  "timeline.js": timelineJs,
  "traffic.js": trafficJs,
  "words.js": wordsJs,
};
