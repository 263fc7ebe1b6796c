// The built-in page: signs in, and shows whose session it is, the usage, and the keys and sessions, which are made and ended here. Talks to the gateway alone.

import { ask, date, make, makeAction, makeList, makeStatus, number, post, remove, tellError, time } from "./element.js";
import { makeKeys, makeSessions } from "./keys.js";

const view = document.querySelector("#view");
const signOut = document.querySelector("#sign-out");

function show(isNarrow, ...children) {
  const isFirst = view.querySelector("h1") === null;
  view.className = isNarrow ? "narrow" : "";
  view.replaceChildren(...children);
  const [field, title] = [view.querySelector("[data-focus]"), view.querySelector("h1")];
  title.tabIndex = -1;
  // What had the focus before is gone: whoever sees nothing hears where they are now.
  if (field !== null) field.focus();
  else if (!isFirst) title.focus();
}

/** Nothing is known then, not even whose page it would be. */
function showFailure(title, error, again) {
  const button = make("button", { type: "button", "data-focus": true, onclick: again }, "Try again");
  const said = make("p", { role: "alert", class: "bad" }, error.message);
  show(true, make("section", {}, make("h1", {}, title), said, button));
}

/** `admin@local` is one here: what a browser holds for an address is not asked. */
function judgeEmail(email) {
  if (email === "") return "Type your e-mail address first.";
  return /^[^\s@]+@[^\s@]+$/u.test(email) ? null : "That is no e-mail address, such as name@example.com.";
}

function showSignIn(words = null) {
  signOut.hidden = true;
  const said = make("p", { id: "said", role: "status", class: words === null ? "muted" : "bad" }, words ?? "");
  const email = make("input", {
    id: "email",
    type: "email",
    name: "email",
    autocomplete: "username",
    maxlength: "320",
    "aria-describedby": "said",
    "data-focus": true,
  });
  const button = make("button", { type: "submit" }, "Continue");
  const form = make(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        const fault = judgeEmail(email.value.trim());
        email.setAttribute("aria-invalid", String(fault !== null));
        if (fault !== null) {
          email.focus();
          return tellError(said, new Error(fault));
        }
        button.disabled = true;
        try {
          const answer = await post("/api/v1/auth/login", { email: email.value });
          if (answer.user !== undefined) return await goHome();
          said.className = "muted";
          said.textContent = answer.message;
        } catch (error) {
          tellError(said, error);
        }
        button.disabled = false;
      },
    },
    make("label", { for: "email" }, "E-mail address"),
    email,
    button,
    said,
  );
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
  const said = makeStatus();
  const list = makeList(["Account", "Provider", "Last used", ""], "No account is connected yet.");
  list.show(accounts, (account) => [
    account.email ?? account.subject,
    account.issuer,
    account.last_used_at === null ? "never" : time(account.last_used_at),
    makeAction("Disconnect", {
      said,
      about: `Disconnect ${account.email ?? account.subject}`,
      work: async () => {
        await remove(`/api/v1/auth/identities/${encodeURIComponent(account.id)}`);
        await goHome();
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
    list.element,
    ...(oidc === null || accounts.some(({ issuer }) => issuer === oidc.issuer) ? [] : [make("p", {}, connect)]),
    said,
  );
}

/** The link's page asks for a click: programs that look into e-mails fetch what they find, and press nothing. */
function showLink(token) {
  signOut.hidden = true;
  const said = makeStatus();
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
          return await goHome();
        } catch (error) {
          tellError(said, error);
          button.disabled = false;
          if (error.code === "invalid_link") button.hidden = true;
          if (error.code === "other_browser") {
            isConfirmed = true;
            button.textContent = "It was me: sign in here";
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
  const [{ user }, usage, { identities }] = await Promise.all([
    ...["profile", "usage/summary", "auth/identities"].map((name) => ask(`/api/v1/${name}`)),
    keys.refresh(),
    sessions.refresh(),
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
    showUsage(usage),
    keys.section,
    sessions.section,
    ...(oidc === null && identities.length === 0 ? [] : [listAccounts(oidc, identities)]),
  );
}

/** One's own, also for those who may see the others'. A cost that leaves something out says so. */
function showUsage({ summary, rows_removed_before: removedBefore }) {
  const { requests, errors, consumed_tokens: tokens, cost_usd: cost, unpriced_requests: unpriced } = summary;
  const facts = listFacts([
    ["Requests", number(requests)],
    ["Of these failed", number(errors)],
    ["Tokens consumed", number(tokens)],
    ["Cost in US dollars", `$${cost}`],
  ]);
  const notes = [];
  if (unpriced === 1) notes.push("1 request has no price, and is not in the cost.");
  else if (unpriced > 0) notes.push(`${number(unpriced)} requests have no price, and are not in the cost.`);
  if (removedBefore !== undefined) notes.push(`What was before ${date(removedBefore)} is no longer kept, nor counted here.`);
  return make("section", {}, make("h2", {}, "Your usage"), facts, ...notes.map((each) => make("p", { class: "muted" }, each)));
}

function signOff() {
  post("/api/v1/auth/logout", {}).then(
    () => showSignIn(),
    (error) => {
      if (error.isOver) return showSignIn(error.message);
      showFailure("You are still signed in", error, signOff);
    },
  );
}
signOut.addEventListener("click", signOff);

const fail = (error) => {
  if (error.isOver) return showSignIn(error.message);
  showFailure("Your page cannot be shown", error, () => void goHome());
};
const goHome = () => showHome().catch(fail);
const begin = () => {
  const token = location.hash.slice(1);
  if (token === "") void goHome();
  else showLink(token);
};
// Another link in the same tab changes nothing but what stands behind the #.
addEventListener("hashchange", begin);
begin();
