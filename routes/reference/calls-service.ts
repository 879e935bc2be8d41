import type { Calls, Success } from "./call.ts";

const page = { "text/html": {}, "text/plain": {} };
const meanings = (description: string): Success => ({
  description,
  content: { "application/json": { schema: "ProblemMeanings" }, ...page },
});

export const serviceCalls: Calls = {
  "GET /healthz": {
    id: "getHealth",
    tag: "Service",
    summary: "Ask whether the server answers",
    description: "Says nothing of what it has to do with.",
    needs: "none",
    success: { 200: { description: "It does.", schema: "Health" } },
    examples: [{ summary: "Now", status: 200 }],
  },
  "GET /readyz": {
    id: "getReadiness",
    tag: "Service",
    summary: "Ask whether the server takes work",
    description:
      "Neither while it starts or stops, nor while its store cannot be written; and a node of several, not while it holds no lease. To an operator it says how much there is of everything.",
    needs: "none",
    success: {
      200: { description: "It does.", schema: "Readiness" },
      503: { description: "It does not; no problem, but the same schema.", schema: "Readiness" },
    },
    examples: [{ summary: "Now", status: 200 }],
  },
  "GET /version": {
    id: "getVersion",
    tag: "Service",
    summary: "Get the version",
    description: "Of the server.",
    needs: "any",
    success: { 200: { description: "The version.", schema: "Version" } },
    examples: [{ summary: "Now", status: 200 }],
  },
  "GET /metrics": {
    id: "getMetrics",
    tag: "Service",
    summary: "Get metrics",
    description: "In the text form of Prometheus: of the whole server for an operator, else of the tenant.",
    needs: "connections:read",
    success: { 200: { description: "The metrics.", content: { "text/plain": {} } } },
    examples: [{ summary: "Now", status: 200 }],
  },
  "GET /": {
    id: "getDashboard",
    tag: "Service",
    summary: "Watch connections in a browser",
    description:
      "The dashboard: a page that shows connections as they are, and asks for a token where one is needed.",
    needs: "none",
    headers: ["If-None-Match"],
    success: {
      200: { description: "The page.", content: { "text/html": {} }, headers: ["ETag"] },
      304: { description: "As If-None-Match says.", headers: ["ETag"] },
    },
    examples: [{ summary: "In a browser", status: 200 }],
  },
  "GET /dashboard/{file}": {
    id: "getDashboardFile",
    tag: "Service",
    summary: "Get a file of the dashboard",
    description: "Its scripts and its style.",
    needs: "none",
    headers: ["If-None-Match"],
    success: {
      200: {
        description: "The file.",
        content: { "text/javascript": {}, "text/css": {}, "text/html": {} },
        headers: ["ETag"],
      },
      304: { description: "As If-None-Match says.", headers: ["ETag"] },
    },
    examples: [{ summary: "Its style", status: 200, values: { file: "style.css" } }],
  },
  "GET /problems": {
    id: "listProblems",
    tag: "Service",
    summary: "Read what problems mean",
    description: "All codes: as a page, as text, or as JSON where Accept asks for it.",
    needs: "none",
    success: { 200: meanings("All of them.") },
    examples: [{ summary: "As JSON", status: 200, accept: "application/json" }],
  },
  "GET /problems/{code}": {
    id: "getProblem",
    tag: "Service",
    summary: "Read what a problem means",
    description: "The usual cause, whether trying again can help, and a command that tells more.",
    needs: "none",
    success: { 200: meanings("The one, in a list.") },
    examples: [
      {
        summary: "As JSON",
        status: 200,
        values: { code: "broker-refused" },
        accept: "application/json",
      },
    ],
  },
  "GET /openapi.json": {
    id: "getDescription",
    tag: "Service",
    summary: "Get this description",
    description: "OpenAPI 3.1, made from the schemas that calls are checked with.",
    needs: "none",
    success: { 200: { description: "The description.", content: { "application/json": {} } } },
    problems: ["starting"],
    examples: [{ summary: "As it is", status: 200 }],
  },
  "GET /docs": {
    id: "getReference",
    tag: "Service",
    summary: "Read this reference",
    description: "This description as a page, without scripts.",
    needs: "none",
    success: { 200: { description: "The page.", content: { "text/html": {} } } },
    problems: ["starting"],
    examples: [{ summary: "In a browser", status: 200 }],
  },
};
