// A little of everything that is done with a gateway in its life, every answer of which is seen. Knows no secret but those that it is given on its way.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { signInAt } from "../server/sign-in/oidc-scene.ts";
import { type Served, waitUntil } from "./binary.ts";
import { MOODS, type Neighbours } from "./canary-scene.ts";
import type { Answer, Watch } from "./canary-watch.ts";

export interface Day {
  watch: Watch;
  served: Served;
  neighbours: Neighbours;
}

/** The link of the first start, one from the command line, one by mail, and the identity provider. Answers a cookie that is good. */
export async function signIn({ watch, served, neighbours }: Day): Promise<string> {
  const enter = async (name: string, link: string): Promise<string> => {
    const token = watch.keep(name, link.trim().split("#")[1] ?? "", ["home/setup-link"]);
    const entered = await watch.ask(served, "/api/v1/auth/verify", { body: { token, confirm: true } });
    if (entered.status !== 200) throw new Error(`${name} does not work: ${entered.text}`);
    // Used up, it is refused.
    await watch.ask(served, "/api/v1/auth/verify", { body: { token } });
    return keepCookies(watch, name, entered);
  };
  await enter("setup link", readFileSync(join(served.folder, "home/setup-link"), "utf8"));
  const made = await watch.run(served, ["admin", "login-link", "--json"]);
  const link: string = JSON.parse(made.out).url;
  made.seen.shows.push(link.split("#")[1] ?? "");
  const cookie = await enter("link of the command line", link);
  const ended = await watch.ask(served, "/api/v1/auth/login", { body: { email: "admin@local" } });
  keepCookies(watch, "mark of a browser", ended);
  await watch.ask(served, "/api/v1/admin/users", { cookie, body: { email: "ann@example.com" } });
  const asked = await watch.ask(served, "/api/v1/auth/login", { body: { email: "ann@example.com" } });
  keepCookies(watch, "mark of Ann's browser", asked);
  await waitUntil(() => neighbours.mail.mails.some(({ to }) => JSON.stringify(to).includes("ann@")), "the mail");
  const mail = neighbours.mail.mails.find(({ to }) => JSON.stringify(to).includes("ann@"));
  const ann = await enter("link of a mail", `#${/#([\w-]{43})/u.exec(mail?.text ?? "")?.[1] ?? ""}`);
  await signInElsewhere({ watch, served, neighbours });
  for (const path of ["/api/v1/profile", "/api/v1/auth/sessions", "/ui/"])
    await watch.ask(served, path, { cookie: ann });
  await watch.ask(served, "/api/v1/auth/logout", { method: "POST", cookie: ann });
  await watch.ask(served, "/api/v1/profile", { cookie: ann });
  const invited = await watch.ask(served, "/api/v1/admin/users/invite", { cookie, body: { email: "bo@example.com" } });
  if (invited.status !== 201) throw new Error(invited.text);
  await waitUntil(() => neighbours.mail.mails.some(({ to }) => JSON.stringify(to).includes("bo@")), "the invitation");
  const invitation = neighbours.mail.mails.find(({ to }) => JSON.stringify(to).includes("bo@"));
  watch.keep("link of an invitation", /#([\w-]{43})/u.exec(invitation?.text ?? "")?.[1] ?? "");
  return cookie;
}

async function signInElsewhere({ watch, served, neighbours }: Day): Promise<void> {
  neighbours.idp.people.set("cy", { email: "cy@example.com", email_verified: true });
  const out = await watch.ask(served, "/api/v1/auth/oidc/start?hop=1");
  const cookie = keepCookies(watch, "mark of who went out", out);
  const back = await signInAt(new URL(out.headers.get("location") ?? ""), "cy");
  const code = watch.keep("code of the identity provider", back.searchParams.get("code") ?? "");
  const path = `${back.pathname}${back.search}`;
  const entered = await watch.ask(served, path, { cookie, headers: { "sec-fetch-site": "cross-site" } });
  // Where it was asked for is no answer.
  for (const answer of [entered, await watch.ask(served, path)])
    answer.seen.where = answer.seen.where.replace(code, "…");
  keepCookies(watch, "session of who came back", entered);
}

/** The cookies that an answer sets, as they are sent back. */
function keepCookies(watch: Watch, name: string, answer: Answer): string {
  const pairs = answer.headers.getSetCookie().flatMap((line) => {
    const [pair = ""] = line.split(";", 1);
    const value = pair.slice(pair.indexOf("=") + 1);
    if (value.length < 20) return [];
    answer.seen.shows.push(watch.keep(`${name}, cookie`, value));
    return [pair];
  });
  if (pairs.length === 0) throw new Error(`${name}: no cookie in ${answer.seen.where}: ${answer.text}`);
  return pairs.join("; ");
}

/** Keys by HTTP and by command: made, rotated, revoked. Answers a root's. */
export async function makeKeys({ watch, served }: Day, cookie: string): Promise<string> {
  const reveal = async (name: string, path: string, body: object): Promise<{ token: string; id: string }> => {
    const answer = await watch.ask(served, path, { cookie, body });
    if (answer.status >= 300) throw new Error(`${name}: ${answer.text}`);
    const made = JSON.parse(answer.text);
    answer.seen.shows.push(watch.keep(name, made.token));
    return { token: made.token, id: made.api_key.id };
  };
  const { token } = await reveal("key of a root", "/api/v1/api-keys", { name: "mine" });
  const anns = await reveal("Ann's key", "/api/v1/admin/api-keys", { user: "ann@example.com" });
  const rotate = `/api/v1/admin/api-keys/${anns.id}/rotate`;
  const next = await reveal("Ann's second key", rotate, { overlap_seconds: 60 });
  for (const each of [anns, next]) await watch.ask(served, "/v1/models", { token: each.token });
  await watch.ask(served, `/api/v1/admin/api-keys/${anns.id}/revoke`, { method: "POST", cookie });
  for (const each of [anns, next]) await watch.ask(served, "/v1/models", { token: each.token });
  const made = await watch.run(served, ["admin", "api-keys", "create", "--user", "bo@example.com", "--json"]);
  const { token: bos, api_key: bo } = JSON.parse(made.out);
  made.seen.shows.push(watch.keep("Bo's key", bos));
  const rotated = await watch.run(served, ["admin", "api-keys", "rotate", "--id", bo.id]);
  rotated.seen.shows.push(watch.keep("Bo's second key", /tok_[\w-]{43}/u.exec(rotated.out)?.[0] ?? ""));
  // What nobody should type, and somebody will.
  for (const words of [
    ["admin", "api-keys", "revoke", "--id", bos],
    ["usage", "summary", "--key", bos],
    ["admin", "users", "show", bos],
    ["admin", "api-keys", bos],
    ["usage", bos],
  ]) {
    const { seen } = await watch.run(served, words);
    seen.where = seen.where.replace(bos, "…");
  }
  return token;
}

/** What is set while the gateway runs. */
export async function steer({ watch, served, neighbours }: Day, token: string): Promise<void> {
  const [first, second] = neighbours.liveKeys;
  const admin = async (method: string, path: string, body: object): Promise<void> => {
    const answer = await watch.ask(served, `/api/v1/admin/${path}`, { method, token, body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
  };
  const acme = { type: "compatible", base_url: `${neighbours.provider.url}/v1` };
  await admin("PUT", "providers/acme", { ...acme, api_key: first });
  await admin("PUT", "providers/acme/keys", { "api_key.more": second });
  await admin("PUT", "providers/openai/keys", { "api_key.live": second });
  await admin("PUT", "providers/acme", { ...acme, models: "m" });
  await admin("POST", "providers/acme/rollback", { version: 1 });
  await admin("POST", "providers/acme/test", {});
  await admin("POST", "providers/acme/disable", {});
  await admin("POST", "providers/acme/enable", {});
  await admin("POST", "providers/rotate-secret", {});
  await admin("PUT", "limits/wide", { requests_per_minute: 1_000_000 });
  await admin("POST", "budgets", { name: "watched", limit_tokens: 100, mode: "shadow", alert_percents: [1] });
  await admin("POST", "routes", { name: "two", match: "two", targets: "acme/m-quote, openai/m-fine" });
  const refused = { ...acme, base_url: `http://user:${first}@127.0.0.1:1/v1`, api_keys: [first] };
  await watch.ask(served, "/api/v1/admin/providers/bad", { method: "PUT", token, body: refused });
  await watch.ask(served, "/api/v1/admin/providers/acme", { method: "PUT", token, body: `{"api_key": "${first}", ` });
  await watch.ask(served, "/api/v1/admin/providers/acme/keys", { method: "PUT", token, body: { [first]: first } });
  const piped = await watch.run(served, ["admin", "providers", "set-key", "acme"], `${first}\n`);
  if (piped.code !== 0) throw new Error(piped.err);
  await watch.run(served, ["admin", "providers", "set-key", "acme", "--key-file", "-"], `${first}\u0007 ${second}`);
  await watch.run(served, ["admin", "providers", "add", "worse", "type=compatible", `api_key=${first}`]);
}

/** Every dialect at every provider in every mood, whole and as a stream; answers how many calls of each dialect went well. */
export async function infer({ watch, served }: Day, token: string): Promise<Record<string, number>> {
  const well: Record<string, number> = {};
  const calls = ["openai", "anthropic", "gemini", "pool", "acme"].flatMap((provider) =>
    MOODS.flatMap((mood) =>
      // What is forwarded byte by byte with the status 200 is the provider's own answer.
      DIALECTS.filter(([name]) => mood !== "cut" || !FORWARDED.has(name)).map(([name, ask]) => ({
        name,
        ...ask(`${provider}/m-${mood}`, provider),
      })),
    ),
  );
  const take = async (): Promise<void> => {
    for (let next = calls.pop(); next !== undefined; next = calls.pop()) {
      const { name, path, body } = next;
      const { status } = await watch.ask(served, path, { token, body });
      if (status === 200) well[name] = (well[name] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, take));
  await watch.ask(served, "/v1/chat/completions", { token, body: { model: "two", messages: HELLO } });
  // Keys that are none, one where it does not belong, and one in an address, which proxies and logs see.
  const body = { model: "loopback", messages: HELLO };
  await watch.ask(served, "/v1/chat/completions", { token: `${token.slice(0, -1)}_`, body });
  await watch.ask(served, `/v1/chat/completions?key=${token}`, { body }).then(({ seen }) => (seen.where = "?key="));
  await watch.ask(served, `/v1/${token}`, { token }).then(({ seen }) => (seen.where = "a path with a key in it"));
  await watch
    .ask(served, `/api/v1/usage/logs?cursor=${token}`, { token })
    .then(({ seen }) => (seen.where = "a cursor"));
  return well;
}

const FORWARDED = new Set(["completions", "embeddings", "passthrough"]);
const HELLO = [{ role: "user", content: "Hi" }];
const CONTENTS = [{ role: "user", parts: [{ text: "Hi" }] }];
const INPUT = { input: "Hi" };

type Called = (model: string, provider: string) => { path: string; body: Record<string, unknown> };
const DIALECTS: readonly [name: string, ask: Called][] = [
  ["chat", (model) => ({ path: "/v1/chat/completions", body: { model, messages: HELLO } })],
  ["chat stream", (model) => ({ path: "/v1/chat/completions", body: { model, messages: HELLO, stream: true } })],
  ["responses", (model) => ({ path: "/v1/responses", body: { model, ...INPUT } })],
  ["responses stream", (model) => ({ path: "/v1/responses", body: { model, ...INPUT, stream: true } })],
  ["messages", (model) => ({ path: "/v1/messages", body: { model, messages: HELLO, max_tokens: 9 } })],
  [
    "messages stream",
    (model) => ({ path: "/v1/messages", body: { model, messages: HELLO, max_tokens: 9, stream: true } }),
  ],
  ["gemini", (model) => ({ path: `/v1beta/models/${model}:generateContent`, body: { contents: CONTENTS } })],
  [
    "gemini stream",
    (model) => ({ path: `/v1beta/models/${model}:streamGenerateContent?alt=sse`, body: { contents: CONTENTS } }),
  ],
  ["embeddings", (model) => ({ path: "/v1/embeddings", body: { model, ...INPUT } })],
  ["completions", (model) => ({ path: "/v1/completions", body: { model, prompt: "Hi" } })],
  [
    "passthrough",
    (model, provider) => ({ path: `/passthrough/${provider}/chat/completions`, body: { model, messages: HELLO } }),
  ],
];

/** All that a gateway says of itself, by HTTP and by these commands. */
export async function read({ watch, served }: Day, token: string, lines = LINES): Promise<void> {
  for (const path of PATHS) await watch.ask(served, path, { token });
  for (const line of lines) await watch.run(served, line.split(" "));
  const rows = JSON.parse((await watch.ask(served, "/api/v1/usage/logs?limit=100", { token })).text);
  for (const { id } of rows.entries) await watch.ask(served, `/api/v1/usage/logs/${String(id)}/payload`, { token });
}

const PATHS = [
  "/",
  "/health",
  "/health/live",
  "/health/ready",
  "/version",
  "/metrics",
  "/ui/",
  "/v1/models",
  "/v1beta/models",
  "/v1/capabilities",
  "/api/v1/profile",
  "/api/v1/api-keys",
  "/api/v1/auth/methods",
  "/api/v1/auth/sessions",
  "/api/v1/auth/identities",
  "/api/v1/budgets",
  "/api/v1/audit/tokens",
  "/api/v1/usage/summary",
  "/api/v1/usage/export?format=csv",
  "/api/v1/usage/export?format=jsonl",
  "/api/v1/admin/api-keys",
  "/api/v1/admin/audit",
  "/api/v1/admin/audit/export",
  "/api/v1/admin/budgets",
  "/api/v1/admin/cache",
  "/api/v1/admin/health/providers",
  "/api/v1/admin/limits",
  "/api/v1/admin/providers",
  "/api/v1/admin/providers/acme",
  "/api/v1/admin/providers/acme/history",
  "/api/v1/admin/providers/openai",
  "/api/v1/admin/route?model=two",
  "/api/v1/admin/routes",
  "/api/v1/admin/sessions",
  "/api/v1/admin/users",
];

const LINES = [
  "admin api-keys list --json",
  "admin audit export",
  "admin audit list --json",
  "admin audit verify --json",
  "admin budgets list --json",
  "admin cache show --json",
  "admin health list --json",
  "admin limits list --json",
  "admin providers history acme --json",
  "admin providers list --json",
  "admin providers rotate-secret",
  "admin providers show acme --json",
  "admin providers test acme",
  "admin providers test openai",
  "admin sessions list --json",
  "admin users list --json",
  "audit pack --provider openai --from 1h --to 2100-01-01 -o pack.zip",
  "audit tokens --json",
  "config show --origin",
  "config show --json",
  "config validate",
  "ledger heads --json",
  "ledger key",
  "ledger verify",
  "models route two --explain",
  "prices refresh",
  "prices show gpt-4o",
  "usage export --format csv",
  "usage export --format jsonl",
  "usage logs --json",
  "usage summary --json",
];
