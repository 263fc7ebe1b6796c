// One's own keys and sessions on the built-in page: made, shown once, given another token, ended. Knows no other part of the page.

import { askAll, make, makeAction, makeList, makeStatus, post, remove, tellError, time } from "./element.js";

const DAY_MS = 86_400_000;
const LIVES = [
  ["does not end", null],
  ["ends in 30 days", 30],
  ["ends in 90 days", 90],
  ["ends in a year", 365],
];

/** Looks at the gateway anew by itself after each change; what was just made stays to be read. */
export function makeKeys() {
  const said = makeStatus();
  const issued = make("div", { role: "status" });
  const list = makeList(["Key", "Name", "Scopes", "Last used", "Expires", ""], "There is no API key yet.");
  const at = (key, more = "") => `/api/v1/api-keys/${encodeURIComponent(key.id)}${more}`;

  const refresh = async () => {
    const all = await askAll("/api/v1/api-keys", "api_keys");
    // Those made last stand first: one of them is looked for most.
    list.show(all.filter((key) => key.revoked_at === null).toReversed(), print);
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
          `The old token of ${nameKey(key)} has ended. This is the new one, shown now and never again:`,
        );
        await refresh();
      },
    });
    const revoke = makeAction("Revoke", {
      said,
      sure: "Revoke for good?",
      done: `${key.prefix}… is revoked.`,
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
      key.last_used_at === null ? "never" : time(key.last_used_at),
      printEnd(key.expires_at),
      make("span", { class: "actions" }, rotate, revoke),
    ];
  };

  const form = makeForm(async (body) => {
    said.textContent = "";
    try {
      const made = await post("/api/v1/api-keys", body);
      showToken(issued, made, `This is the key ${nameKey(made.api_key)}, shown now and never again:`);
      await refresh();
      return true;
    } catch (error) {
      tellError(said, error);
      return false;
    }
  });
  const how = make(
    "p",
    { class: "muted" },
    "Programs send a key as ",
    make("code", {}, "Authorization: Bearer tok_…"),
    " to ",
    make("code", {}, `${location.origin}/v1`),
    "; the ",
    make("a", { href: "/docs" }, "API reference"),
    " says the rest.",
  );
  return {
    section: make("section", {}, make("h2", {}, "API keys"), issued, list.element, said, form, how),
    refresh,
  };
}

const nameKey = ({ name, prefix }) => (name === null ? `${prefix}…` : `“${name}”`);

function printEnd(expires) {
  if (expires === null) return "never";
  return Date.parse(expires) > Date.now() ? time(expires) : make("span", { class: "bad" }, "ended ", time(expires));
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

/** Once: it is kept nowhere, and gone from the page with a click. Beside others that nobody has said to have kept. */
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
      copy.textContent = "Selected: now copy it";
    }
  });
  const done = make("button", { type: "button", class: "quiet" }, "I have kept it");
  const box = make("div", { class: "issued" }, make("p", {}, words), code, make("span", { class: "actions" }, copy, done));
  done.addEventListener("click", () => box.remove());
  place.prepend(box);
  code.focus();
}

export function makeSessions() {
  const said = makeStatus();
  const list = makeList(["Signed in", "Last seen", "Address", "Browser", ""], "");
  const others = make("p", {});

  const refresh = async () => {
    const sessions = await askAll("/api/v1/auth/sessions", "sessions");
    list.show(sessions, (session) => [
      time(session.created_at),
      time(session.last_seen_at),
      session.address ?? "–",
      make("span", { class: "agent" }, session.user_agent ?? "–"),
      session.current ? make("span", { class: "here" }, "this one") : end(session),
    ]);
    others.replaceChildren(...(sessions.length > 1 ? [endOthers()] : []));
  };
  const end = ({ id, address }) =>
    makeAction("End", {
      said,
      about: `End the session from ${address ?? "an unknown address"}`,
      done: "That session has ended.",
      work: async () => {
        await remove(`/api/v1/auth/sessions/${encodeURIComponent(id)}`);
        await refresh();
      },
    });
  const endOthers = () =>
    makeAction("End all others", {
      said,
      done: "All other sessions have ended.",
      work: async () => {
        await remove("/api/v1/auth/sessions");
        await refresh();
      },
    });
  return { section: make("section", {}, make("h2", {}, "Sessions"), list.element, others, said), refresh };
}
