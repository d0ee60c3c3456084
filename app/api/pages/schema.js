// JSON schemas in words: what a value is called, which fields it has, and one that fits.

const DEEPEST = 4;

/** The schema that a reference stands for. */
export function resolve(api, schema = {}) {
  if (!schema.$ref) return schema;
  const parts = schema.$ref.split("/").slice(1);
  return resolve(api, parts.reduce((inside, part) => inside?.[part], api) ?? {});
}

/** "integer 1…150", "list of Job", "text or null". */
export function typeName(api, schema = {}) {
  const inside = resolve(api, schema);
  const several = inside.anyOf ?? inside.oneOf;
  if (several) return several.map((one) => typeName(api, one)).join(" or ");
  if (inside.enum) return inside.enum.map((one) => JSON.stringify(one)).join(" or ");
  if ("const" in inside) return JSON.stringify(inside.const);
  if (inside.type === "array") return `list of ${typeName(api, inside.items)}`;
  if (schema.$ref) return inside.title ?? schema.$ref.split("/").at(-1);
  if (inside.allOf?.length === 1) return typeName(api, inside.allOf[0]);
  const plain = { string: inside.format === "binary" ? "file" : "text" }[inside.type];
  return [plain ?? inside.type ?? "any", range(inside)].filter(Boolean).join(" ");
}

function range({ minimum, maximum, maxLength, multipleOf }) {
  const bounds = [minimum, maximum].some((bound) => bound != null);
  return [
    bounds && `${minimum ?? ""}…${maximum ?? ""}`,
    maxLength && `up to ${maxLength.toLocaleString("en")} characters`,
    multipleOf && `multiple of ${multipleOf}`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** The fields of an object, or of the objects in a list; those of inner objects by dotted names. */
export function fields(api, schema, prefix = "", depth = 0) {
  const inside = listed(api, resolve(api, schema));
  if (depth >= DEEPEST || !inside.properties) return [];
  return Object.entries(inside.properties).flatMap(([name, field]) => {
    const whole = { ...resolve(api, field), ...field };
    const row = {
      name: prefix + name,
      required: inside.required?.includes(name) ?? false,
      type: typeName(api, field),
      standard: whole.default,
      description: whole.description,
    };
    return [row, ...fields(api, field, `${prefix}${name}.`, depth + 1)];
  });
}

function listed(api, schema) {
  if (schema.type === "array") return listed(api, resolve(api, schema.items));
  const several = schema.anyOf ?? schema.oneOf;
  const filled = several?.map((one) => resolve(api, one)).find((one) => one.type !== "null");
  return filled ? listed(api, filled) : schema;
}

/** A small value of this kind. */
export function example(api, schema, depth = 0) {
  const inside = resolve(api, schema);
  if (inside.examples?.length) return inside.examples[0];
  if (inside.default != null) return inside.default;
  if (inside.enum) return inside.enum[0];
  const several = inside.anyOf ?? inside.oneOf;
  if (several) return example(api, several[0], depth);
  if (inside.type === "array") return depth < DEEPEST ? [example(api, inside.items, depth + 1)] : [];
  if (inside.type === "object" || inside.properties) return exampleObject(api, inside, depth);
  return { integer: inside.minimum ?? 1, number: inside.minimum ?? 1, boolean: true }[inside.type] ?? "…";
}

function exampleObject(api, schema, depth) {
  const all = Object.keys(schema.properties ?? {});
  const shown = schema.required ?? all.slice(0, 1);
  if (depth >= DEEPEST) return {};
  const entries = shown.map((name) => [name, example(api, schema.properties[name], depth + 1)]);
  return Object.fromEntries(entries);
}
