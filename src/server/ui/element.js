// What the parts of the built-in page share: elements built by hand, so that nothing that was written by somebody else is ever taken for markup, and
// questions to the gateway, which alone is asked.

/** An element with its attributes and children; text becomes text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export async function ask(path, options = {}) {
  const response = await fetch(path, {
    ...options,
    headers: {
      accept: "application/json",
      ...(options.body === undefined ? {} : { "content-type": "application/json" }),
    },
    credentials: "same-origin",
  });
  const text = await response.text();
  const body = text === "" ? {} : JSON.parse(text);
  if (!response.ok)
    throw Object.assign(new Error(body.error?.message ?? `HTTP ${response.status}`), {
      status: response.status,
      code: body.error?.code,
    });
  return body;
}

export const post = (path, body) => ask(path, { method: "POST", body: JSON.stringify(body) });
export const remove = (path) => ask(path, { method: "DELETE" });

export const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString());
export const date = (value) => (value === null || value === undefined ? "–" : new Date(value).toLocaleString());

/** `rows`: of cells, each text or an element. */
export function listRows(names, rows) {
  const head = names.map((name) => make("th", { scope: "col" }, name));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))));
  return make(
    "div",
    { class: "scroll" },
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)),
  );
}

/** A button that does its work once at a time, and says where it failed. `sure`: what it asks before, at the first click. */
export function makeAction(name, { said, work, sure = null, kind = "quiet", about = name }) {
  let isAsked = sure === null;
  const button = make("button", { class: kind, type: "button", "aria-label": about }, name);
  button.addEventListener("click", async () => {
    if (!isAsked) {
      isAsked = true;
      button.textContent = sure;
      button.setAttribute("aria-label", `${about}: ${sure}`);
      return;
    }
    button.disabled = true;
    said.textContent = "";
    try {
      await work();
    } catch (error) {
      said.textContent = error.message;
      button.disabled = false;
    }
  });
  // Whoever goes elsewhere has thought better of it.
  button.addEventListener("blur", () => {
    if (sure === null || button.disabled) return;
    isAsked = false;
    button.textContent = name;
    button.setAttribute("aria-label", about);
  });
  return button;
}
