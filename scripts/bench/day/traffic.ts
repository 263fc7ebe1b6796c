// What comes in a minute of a day: users, keys and models that come once and never again. Knows no clock.

import { makeToken } from "../crowd.ts";

export interface Traffic {
  /** All of a minute's; resolves when all is answered. */
  ask(minute: number): Promise<void>;
  /** How many were asked, and how many answers of each status came. */
  counts: Record<string, number>;
}

interface Place {
  url: string;
  adminToken: string;
  /** As they come; those that were read are taken out. */
  mails: { text?: string | undefined }[];
}

/** Each with a key of its own. */
export const ASKED_A_MINUTE = 12;
const CHURN_MINUTES = 10;

export function createTraffic({ url, adminToken, mails }: Place): Traffic {
  const counts: Record<string, number> = {};
  const count = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);

  const send = async (method: string, path: string, { token, body, headers = {}, signal }: Wish): Promise<Response> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        "content-type": "application/json",
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    count(`${path.replace(/\/[0-9a-f-]{36}/gu, "/…")} ${response.status}`);
    return response;
  };

  const read = async (wish: Promise<Response>): Promise<void> => void (await (await wish).text());

  const chat = (index: number, model: string, more: Partial<Wish> = {}, fields: object = {}): Promise<void> => {
    const messages = [{ role: "user", content: `Say ${index}` }];
    return read(
      send("POST", "/v1/chat/completions", { token: makeToken(index), body: { model, messages, ...fields }, ...more }),
    );
  };

  /** Somebody who does not wait for the answer. */
  const leave = async (index: number): Promise<void> => {
    const leaving = new AbortController();
    const asked = chat(index, `gpt-4o-mini-${index}`, { signal: leaving.signal }, { stream: true }).catch(() =>
      count("left"),
    );
    setImmediate(() => leaving.abort());
    await asked;
  };

  const admin = (method: string, path: string, body?: object): Promise<Response> =>
    send(method, `/api/v1/admin/${path}`, { token: adminToken, ...(body === undefined ? {} : { body }) });

  /** A user comes, has a key that is used, and asks for a link to sign in. */
  const welcome = async (minute: number): Promise<Guest> => {
    const email = `guest${minute}@example.org`;
    const { user } = (await (await admin("POST", "users", { email, role: "gateway_user" })).json()) as Made;
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    const made = await admin("POST", `users/${user.id}/api-keys`, { expires_at: expires });
    const { token, api_key: key } = (await made.json()) as Made;
    await read(send("GET", "/v1/models", { token }));
    const login = await send("POST", "/api/v1/auth/login", { body: { email }, headers: { origin: url } });
    await login.text();
    return { userId: user.id, keyId: key.id, cookie: readCookies(login) };
  };

  /** Signs in by the link of that mail, looks around, signs out, and goes. */
  const sayGoodbye = async ({ userId, keyId, cookie }: Guest): Promise<void> => {
    const link = mails.splice(0).at(-1)?.text ?? "";
    const [, token = ""] = /#(\S+)/u.exec(link) ?? [];
    if (token !== "") count("mail read");
    const own = { origin: url };
    const entered = await send("POST", "/api/v1/auth/verify", { body: { token }, headers: { ...own, cookie } });
    await entered.text();
    const headers = { ...own, cookie: readCookies(entered) };
    await read(send("GET", "/api/v1/auth/sessions", { headers }));
    await read(send("POST", "/api/v1/auth/logout", { headers }));
    await read(admin("POST", `api-keys/${keyId}/revoke`));
    await read(admin("DELETE", `users/${userId}`));
  };
  let guest: Guest | null = null;

  return {
    counts,
    async ask(minute) {
      const first = minute * ASKED_A_MINUTE;
      const at = (place: number): number => first + place;
      await Promise.all([
        chat(at(0), `gpt-4o-mini-${at(0)}`),
        chat(at(1), `gpt-4o-mini-${at(1)}`, {}, { stream: true }),
        chat(at(2), "gpt-4o-mini", { headers: { "idempotency-key": `day-${minute}` } }),
        chat(at(3), `gpt-4o-broken-${minute}`),
        chat(at(4), `gpt-4o-shaky-${minute}`),
        chat(at(5), "gpt-4o", {}, { temperature: 0, seed: minute }),
        leave(at(6)),
        chat(at(7), `nobody-knows-${minute}`),
        read(
          send("POST", "/v1/embeddings", {
            token: makeToken(at(8)),
            body: { model: "text-embedding-3-small", input: `${minute}` },
          }),
        ),
        read(
          send("POST", "/v1/responses", {
            token: makeToken(at(9)),
            body: { model: "gpt-4o-mini", input: `Say ${minute}` },
          }),
        ),
        read(
          send("POST", "/v1/messages", {
            token: makeToken(at(10)),
            body: { model: "gpt-4o-mini", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] },
          }),
        ),
        // More than its key may ask in a minute.
        ...Array.from({ length: 5 }, () => chat(at(11), "gpt-4o-mini")),
        chat(at(0), "gpt-4o-mini", { token: `tok_${"x".repeat(43)}` }),
      ]);
      if (guest !== null) await sayGoodbye(guest);
      guest = minute % CHURN_MINUTES === 0 ? await welcome(minute) : null;
      if (minute % 60 === 30) {
        await read(send("GET", "/metrics", { token: adminToken }));
        await read(send("GET", "/api/v1/admin/usage/summary", { token: adminToken }));
      }
    },
  };
}

interface Guest {
  userId: string;
  keyId: string;
  cookie: string;
}

function readCookies(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((each) => each.split(";", 1)[0])
    .join("; ");
}

interface Made {
  user: { id: string };
  api_key: { id: string };
  token: string;
}

interface Wish {
  token?: string;
  body?: object;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}
