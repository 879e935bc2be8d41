import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { calls } from "./calls.ts";
import type { JsonSchema } from "./call.ts";
import { curlOf } from "./curl.ts";
import type { Document } from "./document.ts";
import type { Operation, ShownAnswer, ShownParameter } from "./operation.ts";
import { style } from "./page-style.ts";

type Html = ReturnType<typeof html>;

/** The page has one style and no scripts, and nothing from elsewhere. */
export const pagePolicy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** In one piece: its digest is of each character between the tags. */
const styleElement = raw(`<style>${style}</style>`);

/** The document, for people. */
export function pageOf({ info, tags, paths, components: { schemas } }: Document): Html {
  const all = Object.entries(calls).map(([name, call]) => {
    const [method = "", path = ""] = name.split(" ");
    return { name, call, operation: paths[path]?.[method.toLowerCase()] };
  });
  const of = (tag: string) => all.filter(({ call }) => call.tag === tag);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Connack ${info["version"]} – reference</title>
        ${styleElement}
      </head>
      <body>
        <h1>Connack ${info["version"]}</h1>
        ${text(String(info["description"]))}
        <p>
          The same for programs: <a href="/openapi.json">/openapi.json</a>. What
          <a href="/problems">problems</a> mean.
        </p>
        <nav>
          ${tags.map(
            ({ name }) =>
              html`<details>
                <summary><a href="#${name}">${name}</a></summary>
                <ul>
                  ${of(name).map((each) => html`<li><a href="#${each.call.id}">${each.call.summary}</a> <small>${each.name}</small></li>`)}
                </ul>
              </details>`,
          )}
          <p><a href="#schemas">Schemas</a></p>
        </nav>
        <main>
          ${tags.map(
            ({ name, description }) =>
              html`<h2 id="${name}">${name}</h2>
                <p>${description}</p>
                ${of(name).map((each) => (each.operation === undefined ? "" : callOf(each.name, each.operation)))}`,
          )}
          <h2 id="schemas">Schemas</h2>
          ${Object.entries(schemas).map(([name, schema]) => schemaOf(name, schema))}
        </main>
      </body>
    </html>`;
}

function callOf(name: string, operation: Operation): Html {
  const { operationId, summary, description, parameters, responses } = operation;
  const examples = calls[name]?.examples ?? [];
  return html`<article id="${operationId}">
    <h3>${summary}</h3>
    <p><code>${name}</code></p>
    ${text(description)}
    ${
      parameters.length === 0
        ? ""
        : html`<h4>Parameters</h4>
            <dl>${parameters.map(parameterOf)}</dl>`
    }
    ${bodyOf(operation)}
    <h4>Answers</h4>
    <dl>${Object.entries(responses).map(([status, one]) => answerOf(status, one))}</dl>
    ${examples.map(
      (example) =>
        html`<h4>${example.summary}</h4>
          <pre><code>${curlOf(name, example)}</code></pre>`,
    )}
  </article>`;
}

function parameterOf({ name, in: place, required, description, schema }: ShownParameter): Html {
  return html`<dt>
      <code>${name}</code> <small>${place}${required ? ", required" : ""}; ${formOf(schema)}</small>
    </dt>
    <dd>${marked(description)}</dd>`;
}

function bodyOf({ requestBody }: Operation): Html | "" {
  if (requestBody === undefined) return "";
  const { content, required, description = "" } = requestBody;
  return html`<h4>Body</h4>
    <p>
      ${marked(description)}
      ${Object.entries(content).map(([type, { schema, "x-item-schema": items }]) => html`<code>${type}</code> ${formOf((items ?? schema ?? {}) as Form)} `)}
      <small>${required ? "required" : "may be absent"}</small>
    </p>`;
}

function answerOf(
  status: string,
  { description, content = {}, headers, "x-problems": codes }: ShownAnswer,
): Html {
  if (codes !== undefined)
    return html`<dt><code>${status}</code></dt>
      <dd>${codes.map((code) => html`<a href="/problems/${code}">${code}</a> `)}</dd>`;
  const types = Object.entries(content).map(
    ([type, { schema, "x-item-schema": items }]) =>
      html`<div><small>${type}</small> ${formOf((items ?? schema ?? {}) as Form)}</div>`,
  );
  const own = Object.entries(headers).filter(([, header]) => !Object.hasOwn(header as object, "$ref"));
  return html`<dt><code>${status}</code> ${description}</dt>
    <dd>
      ${types}${own.map(([name, header]) => html`<div><small>${name}</small> ${marked((header as { description: string }).description)}</div>`)}
    </dd>`;
}

function schemaOf(name: string, schema: JsonSchema): Html {
  return html`<article id="schema-${name}">
    <details>
      <summary><b>${name}</b> ${schema["description"] ?? ""}</summary>
      <pre><code>${JSON.stringify(schema, null, 2)}</code></pre>
    </details>
  </article>`;
}

/** What there may be in a schema of a value, of what is shown in a line. */
interface Form {
  readonly $ref?: string;
  readonly anyOf?: readonly Form[];
  readonly type?: string;
  readonly items?: Form;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly default?: unknown;
}

/** What a value looks like, in a few words; with links to schemas that have a name. */
function formOf(form: Form): Html {
  const { $ref, anyOf, type = "any", items, minimum, maximum, maxLength } = form;
  if ($ref !== undefined) {
    const name = $ref.split("/").at(-1) ?? "";
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (anyOf !== undefined)
    return html`${anyOf.map((one, index) => html`${index === 0 ? "" : " or "}${formOf(one)}`)}`;
  if (items !== undefined) return html`array of ${formOf(items)}`;
  const range = minimum === undefined || maximum === undefined ? "" : `, ${minimum} to ${maximum}`;
  const kind = form.enum === undefined ? `${type}${range}` : form.enum.join(", ");
  const format = form.format === undefined ? "" : ` (${form.format})`;
  const length = maxLength === undefined ? "" : `, at most ${maxLength} characters`;
  const unless = form.default === undefined ? "" : `; ${JSON.stringify(form.default)} unless given`;
  return html`${kind}${format}${length}${unless}`;
}

function text(markdown: string): Html {
  return html`${markdown.split("\n\n").map((part) => html`<p>${marked(part)}</p>`)}`;
}

/** Text with `code` in it. */
function marked(markdown: string): Html {
  return html`${markdown.split("`").map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`))}`;
}
