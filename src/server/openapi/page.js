// The reference as a page: made of /openapi.json, and of nothing else. Builds every element by hand, so that nothing is ever taken for markup.

const view = document.querySelector("#view");
const chapters = document.querySelector("#chapters");
const find = document.querySelector("#find");
const nothing = document.querySelector("#nothing");

/** An element with its attributes and children; text becomes text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Words between backticks are code, addresses are links. */
function write(text) {
  return text.split(/(`[^`]*`|https:\/\/\S+)/u).map((piece) => {
    if (piece.startsWith("`")) return make("code", {}, piece.slice(1, -1));
    if (piece.startsWith("https://")) return make("a", { href: piece, rel: "noreferrer" }, piece);
    return piece;
  });
}

function paragraphs(text = "") {
  return text.split("\n\n").filter(Boolean).map((part) => make("p", {}, ...write(part)));
}

/** Filled when it is opened first: shapes hold shapes. */
function fold(summary, fill) {
  const details = make("details", {}, make("summary", {}, ...summary));
  details.addEventListener("toggle", () => details.append(...fill()), { once: true });
  return details;
}

/** The whole of it, once it is there. */
let reference = { components: {} };

function look(schema) {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? { schema } : { schema: reference.components.schemas[name] ?? {}, name };
}

function nameType(given) {
  const { schema, name } = look(given);
  if (name !== undefined) return name;
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const some = schema.anyOf ?? schema.oneOf;
  if (some !== undefined) return some.map(nameType).join(" | ");
  if (schema.type === "array") return `list of ${nameType(schema.items ?? {})}`;
  const format = schema.format === undefined ? "" : ` (${schema.format})`;
  return `${[schema.type ?? "anything"].flat().join(" | ")}${format}`;
}

/** What a shape holds, through lists and alternatives. */
function inside(given) {
  const { schema } = look(given);
  if (schema.properties !== undefined) return [schema];
  if (schema.items !== undefined) return inside(schema.items);
  return (schema.anyOf ?? schema.oneOf ?? []).flatMap(inside);
}

function listFields(given) {
  return inside(given).map((schema) =>
    make(
      "ul",
      { class: "fields" },
      ...Object.entries(schema.properties).map(([name, inner]) => {
        const isNeeded = schema.required?.includes(name) === true;
        const words = [
          make("code", {}, name),
          " ",
          make("span", { class: "type" }, nameType(inner)),
          ...(isNeeded ? [] : [make("span", { class: "muted" }, ", may be missing")]),
          ...(inner.description === undefined ? [] : [" – ", ...write(inner.description)]),
        ];
        return make("li", {}, ...(inside(inner).length > 0 ? [fold(words, () => listFields(inner))] : words));
      }),
    ),
  );
}

function describeContent(content = {}) {
  return Object.entries(content).flatMap(([type, { schema }]) => {
    if (schema === undefined) return [make("p", {}, make("code", {}, type))];
    const fields = listFields(schema);
    const shape = look(schema).name ?? (fields.length > 0 ? "" : nameType(schema));
    return [make("p", { class: "type" }, [type, shape].filter(Boolean).join(": ")), ...fields];
  });
}

function describeParameters(parameters) {
  return make(
    "ul",
    { class: "fields" },
    ...parameters.map(({ name, in: place, required, description, schema }) =>
      make(
        "li",
        {},
        make("code", {}, name),
        " ",
        make("span", { class: "type" }, `${place}, ${nameType(schema)}`),
        ...(required ? [make("span", { class: "needed" }, " needed")] : []),
        ...(description === undefined ? [] : [" – ", ...write(description)]),
      ),
    ),
  );
}

function printCurl(method, path, operation) {
  const words = [`curl -X ${method.toUpperCase()} ${location.origin}${path}`];
  if (operation.security?.length > 0) words.push('-H "Authorization: Bearer $TOKLIGENCE_KEY"');
  if (operation.requestBody !== undefined) words.push("-H 'content-type: application/json' -d '{…}'");
  return words.join(" \\\n  ");
}

function fill(method, path, operation) {
  const answers = Object.entries(operation.responses).map(([code, given]) => {
    const name = given.$ref?.split("/").at(-1);
    const answer = name === undefined ? given : reference.components.responses[name];
    const words = [make("code", {}, code), ` ${answer.description}`];
    return make("li", {}, ...(answer.content === undefined ? words : [fold(words, () => describeContent(answer.content))]));
  });
  return make(
    "div",
    { class: "inside" },
    ...paragraphs(operation.description),
    ...(operation.parameters === undefined ? [] : [make("h3", {}, "Parameters"), describeParameters(operation.parameters)]),
    ...(operation.requestBody === undefined ? [] : [make("h3", {}, "Body"), ...describeContent(operation.requestBody.content)]),
    make("h3", {}, "Answers"),
    make("ul", { class: "fields" }, ...answers),
    make("pre", { tabindex: "0" }, printCurl(method, path, operation)),
  );
}

function showOperation(method, path, operation) {
  const details = make(
    "details",
    { class: "operation", id: operation.operationId },
    make(
      "summary",
      {},
      make("span", { class: `method ${method}` }, method.toUpperCase()),
      make("span", { class: "path" }, path),
      make("span", { class: "what" }, operation.summary),
    ),
  );
  details.addEventListener("toggle", () => details.append(fill(method, path, operation)), { once: true });
  details.dataset.words = [method, path, operation.summary, operation.description].join(" ").toLowerCase();
  return details;
}

/** Chapters, each with its entry in the list of chapters and its operations. */
function makeChapters() {
  const operations = Object.entries(reference.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  return reference.tags.flatMap(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    if (own.length === 0) return [];
    const id = `chapter-${name.toLowerCase().replaceAll(" ", "-")}`;
    const entry = make("li", {}, make("a", { href: `#${id}` }, name));
    const items = own.map(({ method, path, operation }) => showOperation(method, path, operation));
    const section = make("section", { id }, make("h2", {}, name), make("p", { class: "muted" }, description), ...items);
    return [{ entry, section, items }];
  });
}

function narrow(all) {
  const words = find.value.toLowerCase().split(/\s+/u).filter(Boolean);
  for (const { entry, section, items } of all) {
    for (const item of items) item.hidden = !words.every((word) => item.dataset.words.includes(word));
    section.hidden = items.every((item) => item.hidden);
    entry.hidden = section.hidden;
  }
  nothing.textContent = all.every(({ section }) => section.hidden) ? "Nothing here speaks of that." : "";
}

function openNamed() {
  // The names of ours need no escapes.
  const named = document.getElementById(location.hash.slice(1));
  if (named === null) return;
  if (named.tagName === "DETAILS") named.open = true;
  named.scrollIntoView();
}

async function start() {
  const response = await fetch("/openapi.json").catch(() => {
    throw new Error("the gateway does not answer. See that it runs, then load this page again.");
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}. Load this page again in a moment.`);
  reference = await response.json();
  const all = makeChapters();
  view.replaceChildren(
    make("h1", {}, "API reference"),
    make("p", { class: "muted" }, `Version ${reference.info.version}`),
    ...paragraphs(reference.info.description),
    ...all.map(({ section }) => section),
  );
  chapters.replaceChildren(...all.map(({ entry }) => entry));
  find.addEventListener("input", () => narrow(all));
  addEventListener("hashchange", openNamed);
  openNamed();
}

start().catch((error) => view.replaceChildren(make("p", { role: "alert" }, `The reference cannot be read: ${error.message}`)));
