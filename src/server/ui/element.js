// What the parts of the built-in page share: elements built by hand, so that nothing that was written by somebody else is ever taken for markup, and
// questions to the gateway, which alone is asked.

/** Rows of a list that are shown unless all are asked for. */
const SHOWN = 50;
const UNREACHED = "The gateway does not answer. See that it runs and that you are connected to it, then try again.";

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

/** Throws with words that say what to do; `isOver` where nobody is signed in (any more). */
export async function ask(path, options = {}) {
  const { status, ok, text } = await reach(path, options);
  const body = read(text);
  if (body === null)
    throw new Error(
      `Something in front of the gateway answered in its place (HTTP ${status}). Try again in a moment; where that does not help, tell its operator.`,
    );
  if (ok) return body;
  const { message = `HTTP ${status}`, code } = body.error ?? {};
  // By itself the gateway would speak of keys here, as programs send them.
  if (status === 401 && code !== "invalid_link") throw Object.assign(new Error("Your session is over."), { isOver: true });
  throw Object.assign(new Error(message), { code });
}

async function reach(path, options) {
  try {
    const response = await fetch(path, {
      ...options,
      headers: {
        accept: "application/json",
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
      },
      credentials: "same-origin",
    });
    return { status: response.status, ok: response.ok, text: await response.text() };
  } catch {
    throw new Error(UNREACHED);
  }
}

function read(text) {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return null;
  }
}

export const post = (path, body) => ask(path, { method: "POST", body: JSON.stringify(body) });
export const remove = (path) => ask(path, { method: "DELETE" });

/** All pages of a list, which is called `name` in the answer. */
export async function askAll(path, name) {
  const all = [];
  let cursor = "";
  while (cursor !== null) {
    const body = await ask(`${path}?limit=1000${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
    all.push(...body[name]);
    cursor = body.next_cursor;
  }
  return all;
}

export const number = (value) => value.toLocaleString();
export const date = (value) => new Date(value).toLocaleString();
/** In this browser's time zone; which one that is, the mouse is told. */
export const time = (value) => make("time", { datetime: value, title: new Date(value).toString() }, date(value));

/** Where a part of the page says what came of it; has the focus where what had it is gone. */
export const makeStatus = () => make("p", { role: "status", tabindex: "-1" });

export function tell(said, words) {
  said.className = "muted";
  said.textContent = words;
  if (document.activeElement === document.body) said.focus({ preventScroll: true });
}

/** Beside the way back in where the session is over: what stands on the page may not be kept yet. */
export function tellError(said, error) {
  said.className = "bad";
  said.replaceChildren(error.message, ...(error.isOver ? [" ", make("a", { href: "/ui/" }, "To the sign-in page")] : []));
  // Beneath a long list it would be out of sight.
  said.scrollIntoView({ block: "nearest" });
}

/** `rows`: of cells, each text or an element. On a phone each row is a card, and says the names by itself. */
function listRows(names, rows) {
  const head = names.map((name) =>
    name === "" ? make("td", { role: "cell" }) : make("th", { scope: "col", role: "columnheader" }, name),
  );
  const body = rows.map((cells) =>
    make("tr", { role: "row" }, ...cells.map((cell, at) => make("td", { role: "cell", "data-name": names[at] }, cell))),
  );
  return make(
    "div",
    { class: "scroll" },
    make(
      "table",
      { role: "table" },
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...head)),
      make("tbody", { role: "rowgroup" }, ...body),
    ),
  );
}

/** A table that is filled anew again and again; of many rows the first, until somebody asks for the rest. */
export function makeList(names, none) {
  const element = make("div", {});
  let isWhole = false;
  const show = (items, print) => {
    if (items.length === 0) {
      element.replaceChildren(make("p", { class: "muted" }, none));
      return;
    }
    const shown = isWhole ? items : items.slice(0, SHOWN);
    element.replaceChildren(listRows(names, shown.map(print)));
    if (shown.length === items.length) return;
    const rest = make("button", { type: "button", class: "quiet" }, `Show all ${number(items.length)}`);
    rest.addEventListener("click", () => {
      isWhole = true;
      show(items, print);
    });
    element.append(make("p", {}, rest));
  };
  return { element, show };
}

/** A button that does its work once at a time, and says where it failed. `sure`: what it asks before, at the first click; `done`: what it says then. */
export function makeAction(name, { said, work, sure = null, done = "", kind = "quiet", about = name }) {
  let isAsked = sure === null;
  const button = make("button", { class: kind, type: "button", "aria-label": about }, name);
  const rest = () => {
    if (sure === null) return;
    isAsked = false;
    button.textContent = name;
    button.setAttribute("aria-label", about);
  };
  button.addEventListener("click", async ({ detail }) => {
    if (!isAsked) {
      isAsked = true;
      button.textContent = sure;
      button.setAttribute("aria-label", `${about}: ${sure}`);
      return;
    }
    // The second half of a double click answers nothing that was asked by the first.
    if (sure !== null && detail > 1) return;
    button.disabled = true;
    said.textContent = "";
    try {
      await work();
      tell(said, done);
    } catch (error) {
      tellError(said, error);
      button.disabled = false;
      rest();
    }
  });
  // Nor does a key that is held until the keyboard repeats it.
  button.addEventListener("keydown", (event) => {
    if (event.repeat) event.preventDefault();
  });
  // Whoever goes elsewhere has thought better of it.
  button.addEventListener("blur", () => {
    if (!button.disabled) rest();
  });
  return button;
}
