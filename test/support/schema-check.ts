type Schema = Readonly<Record<string, unknown>>;
type Members = Readonly<Record<string, unknown>>;

/** Says what a value is to be, and is not; and of objects, what it is to be of their members. */
type Keyword = (
  wanted: never,
  value: unknown,
  at: string,
  check: SchemaCheck,
  schema: Schema,
) => string | null;

/**
 * Checks values against the document's schemas by reading these as it goes: a validator that writes code takes longer
 * to write it than most test files take to run. Knows the keywords that the document has, and no other. As
 * {@link Checker}, against which a test holds it, it takes no member that its schema does not have.
 */
export class SchemaCheck {
  readonly #schemas: Readonly<Record<string, Schema>>;

  constructor(schemas: Readonly<Record<string, Schema>>) {
    this.#schemas = schemas;
  }

  /** Where the value is other than the schema has it, and how; null where it is nowhere. */
  difference(schema: Schema, value: unknown, at = ""): string | null {
    for (const [name, wanted] of Object.entries(schema)) {
      const keyword = keywords[name];
      if (keyword === undefined) throw new Error(`${at}: ${name} is a keyword that is not known here`);
      const found = keyword(wanted as never, value, at, this, schema);
      if (found !== null) return found;
    }
    return null;
  }

  referred(reference: string): Schema {
    const schema = this.#schemas[reference.replace("#/components/schemas/", "")];
    if (schema === undefined) throw new Error(`the document has no ${reference}`);
    return schema;
  }
}

const keywords: Readonly<Record<string, Keyword>> = {
  description: () => null,
  format: (format: string, value, at) =>
    format !== "date-time" || typeof value !== "string" || /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)
      ? null
      : `${at} is no time: ${shown(value)}`,
  type: (types: string | readonly string[], value, at) =>
    [types].flat().some((type) => isOf(type, value))
      ? null
      : `${at} is not of type ${[types].flat().join()}: ${shown(value)}`,
  const: (wanted: unknown, value, at) =>
    value === wanted ? null : `${at} is not ${shown(wanted)}: ${shown(value)}`,
  enum: (wanted: readonly unknown[], value, at) =>
    wanted.includes(value) ? null : `${at} is none of ${shown(wanted)}: ${shown(value)}`,
  minimum: (least: number, value, at) =>
    typeof value === "number" && value < least ? `${at} is less than ${least}: ${value}` : null,
  maximum: (most: number, value, at) =>
    typeof value === "number" && value > most ? `${at} is more than ${most}: ${value}` : null,
  $ref: (reference: string, value, at, check) => check.difference(check.referred(reference), value, at),
  anyOf: (schemas: readonly Schema[], value, at, check) => {
    const found = schemas.map((schema) => check.difference(schema, value, at));
    return found.includes(null) ? null : `${at} is none of several: ${found.join("; ")}`;
  },
  items: (schema: Schema, value, at, check) =>
    Array.isArray(value)
      ? first(value.entries(), ([index, each]) => check.difference(schema, each, `${at}/${index}`))
      : null,
  required: (names: readonly string[], value, at) =>
    isObject(value)
      ? first(names, (name) => (Object.hasOwn(value, name) ? null : `${at}/${name} is missing`))
      : null,
  properties: (
    schemas: Readonly<Record<string, Schema>>,
    value,
    at,
    check,
    { additionalProperties = false },
  ) =>
    isObject(value)
      ? first(Object.entries(value), ([name, each]) => {
          const known = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
          if (known !== undefined) return check.difference(known, each, `${at}/${name}`);
          return additionalProperties === false ? `${at}/${name} is not in the document` : null;
        })
      : null,
  additionalProperties: (schema: Schema | boolean, value, at, check, { properties = {} }) =>
    isObject(value) && typeof schema !== "boolean"
      ? first(Object.entries(value), ([name, each]) =>
          Object.hasOwn(properties as object, name) ? null : check.difference(schema, each, `${at}/${name}`),
        )
      : null,
  propertyNames: (schema: Schema, value, at, check) =>
    isObject(value)
      ? first(Object.keys(value), (name) => check.difference(schema, name, `${at}: the name ${name}`))
      : null,
};

function first<T>(all: Iterable<T>, look: (each: T) => string | null): string | null {
  for (const each of all) {
    const found = look(each);
    if (found !== null) return found;
  }
  return null;
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOf(type: string, value: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 300);
}
