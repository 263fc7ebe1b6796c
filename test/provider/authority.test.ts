// A key is its provider's alone: with every kind of provider declared at once, no call carries what belongs to another.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KINDS } from "../../src/provider/index.ts";
import { type Rig, type UpstreamCall, makeProviderSettings, makeRig } from "../rig.ts";

const NAMES = [...KINDS.keys()].filter((name) => name !== "loopback");
const keyOf = (name: string): string => `sk-of-${name}-0123456789`;
const hostOf = (name: string): string => `${name}.provider.test`;

/** Extra options, so that each kind can be called. */
const OPTIONS: Readonly<Record<string, Record<string, string>>> = { vertex: { project: "p" } };

let rig: Rig;
let client = "";
const seen: UpstreamCall[] = [];

beforeAll(async () => {
  rig = await makeRig({
    upstream(call) {
      seen.push(call);
      return Response.json({ error: { message: "enough" } }, { status: 400 });
    },
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers.filter(({ kind }) => kind === "loopback"),
        ...NAMES.map((name) =>
          makeProviderSettings({
            name,
            kind: name,
            baseUrl: `https://${hostOf(name)}${KINDS.get(name)?.baseUrl?.replace(/^https?:\/\/[^/]*/u, "") ?? ""}`,
            apiKey: keyOf(name),
            options: OPTIONS[name] ?? {},
          }),
        ),
      ],
    }),
  });
  client = (await rig.issue()).token;
});
afterAll(() => rig.close());

const BODIES = {
  "/v1/chat/completions": { messages: [{ role: "user", content: "hello" }] },
  "/v1/embeddings": { input: "hello" },
  "/v1/messages": { messages: [{ role: "user", content: "hello" }], max_tokens: 10 },
  "/v1/responses": { input: "hello" },
} as const;

describe.each(Object.entries(BODIES))("%s", (path, body) => {
  test.each(NAMES)("%s", async (name) => {
    const before = seen.length;
    await rig.send(path, {
      token: client,
      body: { ...body, model: `${name}/some-model` },
      headers: { "x-api-key": client, cookie: "session=secret-cookie", "anthropic-beta": "b" },
    });
    const calls = seen.slice(before).filter(({ method }) => method === "POST");
    expect(calls.map(({ url }) => new URL(url).host)).toEqual(
      // Not every kind has embeddings.
      calls.length === 0 && path === "/v1/embeddings" ? [] : [hostOf(name)],
    );
    for (const call of calls) expect(tell(call)).toContain(keyOf(name));
  });
});

test("no call, and no list that was asked for, carried another's key or the client's", () => {
  expect(seen.length).toBeGreaterThan(3 * NAMES.length);
  for (const call of seen) {
    const owner = NAMES.find((name) => new URL(call.url).host === hostOf(name));
    const said = tell(call);
    for (const name of NAMES)
      if (name !== owner) expect([call.url, said.includes(keyOf(name))]).toEqual([call.url, false]);
    expect(said).not.toContain(client);
    expect(said).not.toContain("secret-cookie");
    expect(call.url).not.toContain(keyOf(owner ?? ""));
  }
});

function tell(call: UpstreamCall): string {
  return [call.url, ...call.headers.values(), call.text].join("\n");
}
