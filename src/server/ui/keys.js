// One's own keys and sessions on the built-in page: made, shown once, given another token, ended. Knows no other part of the page.

import { ask, date, listRows, make, makeAction, post, remove } from "./element.js";

const DAY_MS = 86_400_000;
const LIVES = [
  ["does not end", null],
  ["ends in 30 days", 30],
  ["ends in 90 days", 90],
  ["ends in a year", 365],
];

/** Looks at the gateway anew by itself after each change; what was just made stays to be read. */
export function makeKeys() {
  const said = make("p", { role: "status", class: "bad" });
  const issued = make("div", { role: "status" });
  const list = make("div", {});
  const at = (key, more = "") => `/api/v1/api-keys/${encodeURIComponent(key.id)}${more}`;

  const refresh = async () => {
    const { api_keys: all, next_cursor: next } = await ask("/api/v1/api-keys?limit=1000");
    const keys = all.filter((key) => key.revoked_at === null);
    if (keys.length === 0) list.replaceChildren(make("p", { class: "muted" }, "There is no API key yet."));
    else list.replaceChildren(listRows(["Key", "Name", "Scopes", "Last used", "Expires", ""], keys.map(print)));
    if (next !== null) list.append(make("p", { class: "muted" }, "There are more than are shown here."));
  };

  const print = (key) => {
    const rotate = makeAction("New token", {
      said,
      sure: "End the old one now?",
      about: `New token for ${key.prefix}`,
      work: async () => {
        showToken(
          issued,
          await post(at(key, "/rotate"), {}),
          "The old token has ended. This is the new one, shown now and never again:",
        );
        await refresh();
      },
    });
    const revoke = makeAction("Revoke", {
      said,
      sure: "Revoke for good?",
      about: `Revoke ${key.prefix}`,
      work: async () => {
        await post(at(key, "/revoke"), {});
        await refresh();
      },
    });
    return [
      make("code", {}, `${key.prefix}…`),
      key.name ?? "–",
      key.scopes.length === 0 ? "all" : key.scopes.join(", "),
      date(key.last_used_at),
      date(key.expires_at),
      make("span", { class: "actions" }, rotate, revoke),
    ];
  };

  const form = makeForm(async (body) => {
    said.textContent = "";
    try {
      showToken(issued, await post("/api/v1/api-keys", body), "This is the key, shown now and never again:");
      await refresh();
      return true;
    } catch (error) {
      said.textContent = error.message;
      return false;
    }
  });
  return { section: make("section", {}, make("h2", {}, "API keys"), issued, list, said, form), refresh };
}

function makeForm(create) {
  const name = make("input", { id: "key-name", name: "name", maxlength: "200", autocomplete: "off" });
  const life = make(
    "select",
    { id: "key-life", name: "life" },
    ...LIVES.map(([words, days]) => make("option", { value: days ?? "" }, words)),
  );
  const button = make("button", { type: "submit" }, "Create a key");
  return make(
    "form",
    {
      class: "row",
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        const days = Number(life.value);
        const ends = days === 0 ? {} : { expires_at: new Date(Date.now() + days * DAY_MS).toISOString() };
        const isDone = await create({ ...(name.value.trim() === "" ? {} : { name: name.value.trim() }), ...ends });
        button.disabled = false;
        if (isDone) name.value = "";
      },
    },
    make("div", {}, make("label", { for: "key-name" }, "Name of a new key"), name),
    make("div", {}, make("label", { for: "key-life" }, "How long it lives"), life),
    button,
  );
}

/** Once: it is kept nowhere, and gone from the page with a click. */
function showToken(place, { token }, words) {
  const code = make("code", { class: "token", tabindex: "0" }, token);
  const copy = make("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(token);
      copy.textContent = "Copied";
    } catch {
      // Browsers give no clipboard to a page that came by plain http from elsewhere.
      getSelection()?.selectAllChildren(code);
    }
  });
  const done = make("button", { type: "button", class: "quiet" }, "I have kept it");
  done.addEventListener("click", () => place.replaceChildren());
  place.replaceChildren(
    make("div", { class: "issued" }, make("p", {}, words), code, make("span", { class: "actions" }, copy, done)),
  );
}

export function makeSessions() {
  const said = make("p", { role: "status", class: "bad" });
  const list = make("div", {});

  const refresh = async () => {
    const { sessions } = await ask("/api/v1/auth/sessions?limit=1000");
    const rows = sessions.map((session) => [
      date(session.created_at),
      date(session.last_seen_at),
      session.address ?? "–",
      make("span", { class: "agent" }, session.user_agent ?? "–"),
      session.current ? "this one" : end(session),
    ]);
    const others = sessions.length > 1 ? [make("p", {}, endOthers())] : [];
    list.replaceChildren(listRows(["Signed in", "Last seen", "Address", "Browser", ""], rows), ...others);
  };
  const end = ({ id, address }) =>
    makeAction("End", {
      said,
      about: `End the session from ${address ?? "an unknown address"}`,
      work: async () => {
        await remove(`/api/v1/auth/sessions/${encodeURIComponent(id)}`);
        await refresh();
      },
    });
  const endOthers = () =>
    makeAction("End all others", {
      said,
      work: async () => {
        await remove("/api/v1/auth/sessions");
        await refresh();
      },
    });
  return { section: make("section", {}, make("h2", {}, "Sessions"), list, said), refresh };
}
