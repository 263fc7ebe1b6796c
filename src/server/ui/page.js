// The built-in page: signs in, and shows whose session it is, the keys and the usage. Talks to the gateway alone; builds every element by hand,
// so that nothing that was written by somebody else is ever taken for markup.

const view = document.querySelector("#view");
const signOut = document.querySelector("#sign-out");

/** An element with its attributes and children; text becomes text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function show(isNarrow, ...children) {
  view.className = isNarrow ? "narrow" : "";
  view.replaceChildren(...children);
  view.querySelector("[autofocus]")?.focus();
}

async function ask(path, options = {}) {
  const response = await fetch(path, {
    ...options,
    headers: { accept: "application/json", ...(options.body === undefined ? {} : { "content-type": "application/json" }) },
    credentials: "same-origin",
  });
  const text = await response.text();
  const body = text === "" ? {} : JSON.parse(text);
  if (!response.ok) throw Object.assign(new Error(body.error?.message ?? `HTTP ${response.status}`), { status: response.status, code: body.error?.code });
  return body;
}

const post = (path, body) => ask(path, { method: "POST", body: JSON.stringify(body) });

function showSignIn(words = null) {
  signOut.hidden = true;
  const said = make("p", { role: "status", class: words === null ? "muted" : "bad" }, words ?? "");
  const email = make("input", { id: "email", type: "email", name: "email", autocomplete: "username", required: true, autofocus: true });
  const button = make("button", { type: "submit" }, "Continue");
  const form = make(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        try {
          const answer = await post("/api/v1/auth/login", { email: email.value });
          if (answer.user !== undefined) return await showHome();
          said.className = "muted";
          said.textContent = answer.message;
        } catch (error) {
          said.className = "bad";
          said.textContent = error.message;
        }
        button.disabled = false;
      },
    },
    make("label", { for: "email" }, "E-mail address"),
    email,
    button,
    said,
  );
  // `admin@local` is no address by a browser's rules, and the name of the first administrator here.
  form.noValidate = true;
  show(true, make("section", {}, make("h1", {}, "Sign in"), form));
}

/** The link's page asks for a click: programs that look into e-mails fetch what they find, and press nothing. */
function showLink(token) {
  signOut.hidden = true;
  const said = make("p", { role: "status", class: "bad" });
  let isConfirmed = false;
  const button = make(
    "button",
    {
      autofocus: true,
      onclick: async () => {
        button.disabled = true;
        try {
          await post("/api/v1/auth/verify", { token, ...(isConfirmed ? { confirm: true } : {}) });
          history.replaceState(null, "", "/ui/");
          return await showHome();
        } catch (error) {
          said.textContent = error.message;
          if (error.code === "other_browser") {
            isConfirmed = true;
            button.textContent = "It was me: sign in here";
            button.disabled = false;
          }
        }
      },
    },
    "Sign in",
  );
  const other = make("p", {}, make("a", { href: "/ui/" }, "Ask for another link"));
  show(true, make("section", {}, make("h1", {}, "Sign in to this gateway"), button, said, other));
}

const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString());
const date = (value) => (value === null || value === undefined ? "–" : new Date(value).toLocaleString());

function listFacts(facts) {
  return make("dl", {}, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function listKeys(keys) {
  if (keys.length === 0) return make("p", { class: "muted" }, "There is no API key yet.");
  const rows = keys.map((key) =>
    make(
      "tr",
      {},
      make("td", {}, make("code", {}, `${key.prefix}…`)),
      make("td", {}, key.name ?? "–"),
      make("td", {}, key.scopes.length === 0 ? "all" : key.scopes.join(", ")),
      make("td", {}, date(key.last_used_at)),
      make("td", {}, date(key.expires_at)),
    ),
  );
  const head = ["Key", "Name", "Scopes", "Last used", "Expires"].map((name) => make("th", { scope: "col" }, name));
  return make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
}

async function showHome() {
  let profile;
  try {
    profile = await ask("/api/v1/profile");
  } catch (error) {
    return showSignIn(error.status === 401 ? null : error.message);
  }
  signOut.hidden = false;
  const [{ api_keys: keys }, { summary }] = await Promise.all([ask("/api/v1/api-keys"), ask("/api/v1/usage/summary")]);
  const { user } = profile;
  const usage = listFacts([
    ["Requests", number(summary.requests)],
    ["Tokens consumed", number(summary.consumed_tokens)],
    ["Cost", summary.cost_usd === undefined ? "–" : `$${summary.cost_usd}`],
  ]);
  show(
    false,
    make(
      "section",
      {},
      make("h1", {}, user.display_name ?? user.email),
      listFacts([
        ["E-mail", user.email],
        ["Role", user.role],
      ]),
    ),
    make("section", {}, make("h2", {}, "Usage"), usage),
    make("section", {}, make("h2", {}, "API keys"), listKeys(keys)),
  );
}

signOut.addEventListener("click", () => {
  post("/api/v1/auth/logout", {}).then(
    () => showSignIn(),
    (error) => showSignIn(error.message),
  );
});

const token = location.hash.slice(1);
const start = () => (token === "" ? showHome() : showLink(token));
Promise.resolve(start()).catch((error) => showSignIn(error.message));
