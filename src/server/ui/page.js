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
  const elsewhere = make("div", {});
  show(true, make("section", {}, make("h1", {}, "Sign in"), form, elsewhere));
  void offerElsewhere(elsewhere);
}

/** Comes a moment later: nobody waits for it who signs in by link. */
async function offerElsewhere(place) {
  const { oidc } = await ask("/api/v1/auth/methods").catch(() => ({ oidc: null }));
  if (oidc === null) return;
  const href = `${oidc.start}?return_to=%2Fui%2F`;
  place.replaceChildren(
    make("p", { class: "or" }, make("span", {}, "or")),
    make("a", { class: "button", href }, `Continue with ${oidc.name}`),
  );
}

/** Accounts at the identity provider by which this user signs in, where there is a provider. */
function listAccounts(oidc, accounts) {
  const said = make("p", { role: "status", class: "bad" });
  const act = (button, what) => async () => {
    button.disabled = true;
    try {
      await what();
    } catch (error) {
      said.textContent = error.message;
      button.disabled = false;
    }
  };
  const rows = accounts.map((account) => {
    const button = make("button", { class: "quiet" }, "Disconnect");
    button.addEventListener(
      "click",
      act(button, async () => {
        await ask(`/api/v1/auth/identities/${encodeURIComponent(account.id)}`, { method: "DELETE" });
        await showHome();
      }),
    );
    const cells = [account.email ?? account.subject, account.issuer, date(account.last_used_at)];
    return make("tr", {}, ...cells.map((cell) => make("td", {}, cell)), make("td", {}, button));
  });
  const head = ["Account", "Provider", "Last used", ""].map((name) => make("th", { scope: "col" }, name));
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  const connect = make("button", {}, `Connect ${oidc?.name ?? ""}`);
  connect.addEventListener(
    "click",
    act(connect, async () => {
      const { url } = await post("/api/v1/auth/oidc/connect", {});
      location.assign(url);
    }),
  );
  return make(
    "section",
    {},
    make("h2", {}, "Connected accounts"),
    rows.length === 0 ? make("p", { class: "muted" }, "No account is connected yet.") : make("div", { class: "scroll" }, table),
    ...(oidc === null || accounts.some(({ issuer }) => issuer === oidc.issuer) ? [] : [make("p", {}, connect)]),
    said,
  );
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
  const [{ api_keys: keys }, { summary }, { oidc }, { identities }] = await Promise.all(
    ["api-keys", "usage/summary", "auth/methods", "auth/identities"].map((name) => ask(`/api/v1/${name}`)),
  );
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
    make("section", {}, make("h2", {}, "API keys"), listKeys(keys.filter((key) => key.revoked_at === null))),
    ...(oidc === null && identities.length === 0 ? [] : [listAccounts(oidc, identities)]),
  );
}

signOut.addEventListener("click", () => {
  post("/api/v1/auth/logout", {}).then(
    () => showSignIn(),
    (error) => showSignIn(error.message),
  );
});

const start = () => {
  const token = location.hash.slice(1);
  return token === "" ? showHome() : showLink(token);
};
const begin = () => void Promise.resolve(start()).catch((error) => showSignIn(error.message));
// Another link in the same tab changes nothing but what stands behind the #.
addEventListener("hashchange", begin);
begin();
