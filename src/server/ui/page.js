// The built-in page: signs in, and shows whose session it is, the usage, and the keys and sessions, which are made and ended here. Talks to the gateway alone.

import { ask, date, listRows, make, makeAction, number, post, remove } from "./element.js";
import { makeKeys, makeSessions } from "./keys.js";

const view = document.querySelector("#view");
const signOut = document.querySelector("#sign-out");

function show(isNarrow, ...children) {
  view.className = isNarrow ? "narrow" : "";
  view.replaceChildren(...children);
  view.querySelector("[data-focus]")?.focus();
}

function showSignIn(words = null) {
  signOut.hidden = true;
  const said = make("p", { role: "status", class: words === null ? "muted" : "bad" }, words ?? "");
  const email = make("input", {
    id: "email",
    type: "email",
    name: "email",
    autocomplete: "username",
    required: true,
    "data-focus": true,
  });
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
  const rows = accounts.map((account) => [
    account.email ?? account.subject,
    account.issuer,
    date(account.last_used_at),
    makeAction("Disconnect", {
      said,
      about: `Disconnect ${account.email ?? account.subject}`,
      work: async () => {
        await remove(`/api/v1/auth/identities/${encodeURIComponent(account.id)}`);
        await showHome();
      },
    }),
  ]);
  const connect = makeAction(`Connect ${oidc?.name ?? ""}`, {
    said,
    kind: "",
    work: async () => {
      const { url } = await post("/api/v1/auth/oidc/connect", {});
      location.assign(url);
    },
  });
  return make(
    "section",
    {},
    make("h2", {}, "Connected accounts"),
    rows.length === 0
      ? make("p", { class: "muted" }, "No account is connected yet.")
      : listRows(["Account", "Provider", "Last used", ""], rows),
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
      "data-focus": true,
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

function listFacts(facts) {
  return make("dl", {}, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

async function showHome() {
  const { oidc, signed_in: isIn } = await ask("/api/v1/auth/methods");
  // Asked first: browsers put every refusal into their log.
  if (!isIn) return showSignIn();
  signOut.hidden = false;
  const [keys, sessions] = [makeKeys(), makeSessions()];
  const [{ user }, { summary }, { identities }] = await Promise.all([
    ...["profile", "usage/summary", "auth/identities"].map((name) => ask(`/api/v1/${name}`)),
    keys.refresh(),
    sessions.refresh(),
  ]);
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
    keys.section,
    sessions.section,
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
