// What a command says and how it ends where a gateway elsewhere refuses, is none, is not there, or sends it on; and that the key goes nowhere else.

import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { runCli } from "../../src/cli/index.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../config/tls.ts";
import { findFreePort } from "../redis.ts";
import { type Desk, type Printed, capture, makeDesk } from "./desk.ts";

const KEY = `tok_${"canary-remote-key".padEnd(43, "x")}`;

let desk: Desk;
let server: ReturnType<typeof Bun.serve> | null = null;
let asked: { line: string; headers: Headers; body: string }[] = [];

beforeEach(() => {
  desk = makeDesk();
  asked = [];
});
afterEach(async () => {
  await server?.stop(true);
  server = null;
  desk.close();
});

/** Answers each request with the next of these, and with the last one from then on. */
function serve(answers: readonly (() => Response)[], tls: object = {}): string {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    ...tls,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push({
        line: `${request.method} ${pathname}${search}`,
        headers: request.headers,
        body: await request.text(),
      });
      return (answers[asked.length - 1] ?? answers.at(-1))?.() ?? Response.error();
    },
  });
  return `http://127.0.0.1:${server.port}`;
}

const refuse =
  (status: number, error: object, more: { headers?: Record<string, string>; errors?: object[] } = {}) =>
  (): Response =>
    Response.json(
      { error, ...(more.errors === undefined ? {} : { errors: more.errors }) },
      { status, headers: { "x-request-id": "req-1", ...more.headers } },
    );
const users = (): Response => Response.json({ users: [], next_cursor: null });
const ANA = {
  id: "1",
  email: "ana@example.com",
  role: "gateway_user",
  status: "active",
  display_name: null,
  created_at: "2026-11-01T00:00:00Z",
  updated_at: "2026-11-01T00:00:00Z",
};
const LIST = "admin users list";
const CREATE = "admin users create --email ana@example.com";

async function run(line: string, url: string): Promise<Printed> {
  const printed = await desk.run([...line.split(" "), "--url", url, "--key", KEY]);
  expect(printed.out + printed.err).not.toContain("canary");
  return printed;
}

const STRANGE = "a\u001B[2J\u009B31m\u202Eb";

test.each([
  ["a refusal", LIST, (): Response => refuse(400, { message: STRANGE, code: STRANGE })()],
  ["an answer", CREATE, (): Response => Response.json({ user: { ...ANA, email: STRANGE } }, { status: 201 })],
  ["JSON", `${LIST} --json`, (): Response => Response.json({ users: [{ ...ANA, email: STRANGE }], next_cursor: null })],
] as const)("nothing that a gateway says in %s steers the terminal", async (_what, line, answer) => {
  const { out, err } = await run(line, serve([answer]));
  expect(out + err).toContain("[2J");
  expect((out + err).replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202E]/u);
  if (line.endsWith("--json")) expect(JSON.parse(out)).toMatchObject({ users: [{ email: STRANGE }] });
});

describe("a refusal", () => {
  test.each([
    [401, "invalid_api_key", EXIT.denied, "check TOKLIGENCE_KEY"],
    [403, "insufficient_scope", EXIT.denied, "limited to no scopes or has that one"],
    [404, "not_found", EXIT.notFound, ""],
    [404, "unknown_url", EXIT.failed, "older than this command"],
    [409, "conflict", EXIT.conflict, ""],
    [412, "changed_meanwhile", EXIT.conflict, ""],
    [413, "request_too_large", EXIT.failed, "max_body_bytes"],
    [422, null, EXIT.usage, ""],
    [429, "rate_limit_exceeded", EXIT.failed, "limits list"],
    [500, "internal_error", EXIT.failed, "req-1"],
    [502, "mail_not_sent", EXIT.unavailable, "req-1"],
    [503, "shutting_down", EXIT.unavailable, "req-1"],
  ] as const)("of %i %s ends as it does here, and says what to do", async (status, code, exit, hint) => {
    const url = serve([refuse(status, { message: "It is so.", code })]);
    const { code: ended, err, out } = await run(CREATE, url);
    expect([ended, out]).toEqual([exit, ""]);
    expect(err).toContain(code === "unknown_url" ? "does not know POST /api/v1/admin/users" : "error: It is so.");
    expect(err).toContain(hint);
    // What may have been done is not done twice.
    expect(asked).toHaveLength(1);
    const told = JSON.parse((await run(`${CREATE} --json`, url)).err) as { error: { code: string } };
    expect(told.error.code).toBe(code === "unknown_url" ? "older_gateway" : (code ?? "invalid_request"));
  });

  test("names each field that does not hold", async () => {
    const errors = [
      { path: "email", message: "Required" },
      { path: "role", message: "Unknown" },
    ];
    const url = serve([refuse(422, { message: "email: Required", code: null }, { errors })]);
    const { err, code } = await run(CREATE, url);
    expect([code, err]).toEqual([EXIT.usage, "error: email: Required\nrole: Unknown\n"]);
  });
});

describe("asking again", () => {
  const later = (ms: string) =>
    refuse(429, { message: "Slowly.", code: "rate_limit_exceeded" }, { headers: { "retry-after-ms": ms } });

  test("waits once as it is told, also with a change", async () => {
    const url = serve([later("5"), () => Response.json({ user: USER }, { status: 201 })]);
    const { code, err } = await run(CREATE, url);
    expect([code, asked.length]).toEqual([0, 2]);
    expect(err).toContain("trying again in 1 s");
  });

  test("waits once and no more, and never for long", async () => {
    expect((await run(LIST, serve([later("5")]))).code).toBe(EXIT.failed);
    expect(asked).toHaveLength(2);
    await server?.stop(true);
    asked = [];
    expect((await run(LIST, serve([later("3600000")]))).code).toBe(EXIT.failed);
    expect(asked).toHaveLength(1);
  });

  test("is for what changes nothing", async () => {
    const busy = refuse(503, { message: "In a moment.", code: "overloaded" });
    expect((await run(LIST, serve([busy, busy, users]))).code).toBe(0);
    expect(asked).toHaveLength(3);
    await server?.stop(true);
    asked = [];
    expect((await run(LIST, serve([busy]))).code).toBe(EXIT.unavailable);
    expect(asked).toHaveLength(3);
  });
});

const AT = "2026-01-31T00:00:00.000Z";
const USER = {
  id: "01a2151a-0000-7000-8000-000000000000",
  email: "ana@example.com",
  role: "gateway_user",
  display_name: null,
  status: "active",
  created_at: AT,
  updated_at: AT,
};

describe("an address", () => {
  test("where nobody is", async () => {
    const { code, err } = await run(CREATE, `http://127.0.0.1:${await findFreePort()}`);
    expect(code).toBe(EXIT.unavailable);
    expect(err).toContain('"tokligence serve" starts it');
  });

  test("where a certificate proves nothing", async () => {
    serve([users], { tls: { cert: CERTIFICATE, key: PRIVATE_KEY } });
    const { code, err } = await run(CREATE, `https://127.0.0.1:${server?.port}`);
    expect(code).toBe(EXIT.unavailable);
    expect(err).toContain("cannot prove who it is");
    expect(err).toContain("NODE_EXTRA_CA_CERTS");
    expect(asked).toEqual([]);
  });

  test.each([
    () => new Response("<html>Not found</html>", { status: 404 }),
    () => new Response("<html>Hello</html>"),
    () => Response.json({ detail: "Not Found" }, { status: 404 }),
  ])("where another program answers", async (answer) => {
    const { code, err } = await run(CREATE, serve([answer]));
    expect(code).toBe(EXIT.failed);
    expect(err).toContain("is no Tokligence Gateway");
  });

  test.each(["usage export", "admin audit export", "models list", "admin limits list", "admin users list"])(
    "where something before it wants a sign-in, %s is no list and no export",
    async (line) => {
      const page = (): Response => new Response("<html>Sign in</html>", { headers: { "content-type": "text/html" } });
      for (const answer of [page, () => new Response(null, { status: 204 }), () => Response.json([])]) {
        if (line.endsWith("export") && answer !== page) continue;
        const { code, err, out } = await run(line, serve([answer]));
        expect([code, out]).toEqual([EXIT.failed, ""]);
        expect(err).toContain("is no Tokligence Gateway");
        await server?.stop(true);
        asked = [];
      }
    },
  );

  test("that leads elsewhere: nobody follows with the key", async () => {
    const strangers: string[] = [];
    const stranger = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        strangers.push(request.url);
        return users();
      },
    });
    try {
      const elsewhere = `http://127.0.0.1:${stranger.port}`;
      for (const status of [301, 302, 307, 308]) {
        const url = serve([() => new Response(null, { status, headers: { location: `${elsewhere}/x` } })]);
        const { code, err } = await run(LIST, url);
        expect([code, asked.length]).toEqual([EXIT.failed, 1]);
        expect(err).toContain(elsewhere);
        await server?.stop(true);
        asked = [];
      }
      expect(strangers).toEqual([]);
    } finally {
      await stranger.stop(true);
    }
  });

  test("that is not encrypted is warned of, unless it is this machine's own", async () => {
    const { err } = await run(CREATE, "http://gateway.invalid:1");
    expect(err).toContain("warning: http://gateway.invalid:1 is not encrypted");
    expect((await run(LIST, serve([users]))).err).toBe("");
  });

  test("that could not read a provider's list says that the list of models may be short", async () => {
    const models = { object: "list", data: [{ id: "loopback", object: "model", created: 1, owned_by: "loopback" }] };
    const url = serve([() => Response.json(models, { headers: { "x-tokligence-unlisted": "openai, acme" } })]);
    const { code, err, out } = await run("models list", url);
    expect([code, out]).toEqual([0, "ID        OWNED BY\nloopback  loopback\n"]);
    expect(err).toBe(
      ["openai", "acme"]
        .map((name) => `The provider's models could not be listed: ${name} (the gateway's log says why)\n`)
        .join(""),
    );
  });

  test("may lie behind a path, and names in it lead nowhere else", async () => {
    const url = serve([refuse(404, { message: "There is none.", code: "route_not_found" })]);
    for (const name of ["a/b", "a?b=c#d", "../users", "%2e%2e", "ä ö"]) {
      expect((await desk.run(["admin", "routes", "show", name, "--url", `${url}/base/`, "--key", KEY])).code).toBe(3);
      expect(asked.at(-1)?.line).toBe(`GET /base/api/v1/admin/routes/${encodeURIComponent(name)}`);
    }
    for (const name of ["..", ".", " "]) {
      const before = asked.length;
      expect((await desk.run(["admin", "routes", "delete", name, "--url", url, "--key", KEY])).code).toBe(3);
      expect(asked).toHaveLength(before);
    }
  });

  test.each([
    ["--url ftp://x --key KEY", "no http or https address"],
    ["--url nonsense --key KEY", "no http or https address"],
    ["--url http://ana:pw@127.0.0.1 --key KEY", "name and password"],
    ["--url http://127.0.0.1/?a=b --key KEY", "alone"],
    ["--url http://127.0.0.1:1", "There is no API key"],
    ["--key KEY", "say which, with --url"],
    ["--url http://127.0.0.1:1 --key sk-canary-0123", "--key holds no API key of a gateway"],
  ])("%s is refused before anybody is asked", async (flags, why) => {
    const { code, err } = await desk.run(`${LIST} ${flags.replace("KEY", KEY)}`);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(why);
    expect(err).not.toContain("canary");
  });
});

describe("the environment", () => {
  const within = async (variables: Record<string, string>, words: readonly string[]): Promise<Printed> => {
    const outer = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
    Object.assign(process.env, variables);
    try {
      return await capture(() => runCli(words));
    } finally {
      for (const [name, value] of Object.entries(outer)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  };

  test("names the gateway and the key, and reads no configuration", async () => {
    const url = serve([users]);
    const variables = { TOKLIGENCE_URL: url, TOKLIGENCE_KEY: KEY };
    const { code, err } = await within(variables, ["admin", "users", "list", "--json", "--config", "/nowhere"]);
    expect([code, err]).toEqual([0, ""]);
    expect(asked[0]?.headers.get("authorization")).toBe(`Bearer ${KEY}`);
    const other = `tok_${"y".repeat(43)}`;
    await within(variables, ["admin", "users", "list", "--key", other]);
    expect(asked[1]?.headers.get("authorization")).toBe(`Bearer ${other}`);
  });

  test("leaves commands of the machine alone, and is no setting", async () => {
    const variables = { TOKLIGENCE_URL: serve([users]), TOKLIGENCE_KEY: KEY };
    const { code, err, out } = await within(variables, ["config", "validate", "--config", `${desk.folder}/config`]);
    expect([code, out.includes("canary"), err.includes("canary"), err.includes("TOKLIGENCE_")]).toEqual([
      0,
      false,
      false,
      false,
    ]);
    expect(asked).toEqual([]);
  });

  test("a key that is spoken of is told from the one that opens the door", async () => {
    const url = serve([() => Response.json({ summary: { supply: {} } })]);
    await within({ TOKLIGENCE_URL: url, TOKLIGENCE_KEY: KEY }, ["usage", "summary", "--key", USER.id, "--json"]);
    expect(asked[0]?.line).toBe(`GET /api/v1/usage/summary?user=all&key=${USER.id}`);
    await run("usage summary --json", url);
    expect(asked[1]?.line).toBe("GET /api/v1/usage/summary?user=all");
  });
});

test("a link that the gateway sends by mail is shown to nobody else", async () => {
  const url = serve([
    () => Response.json({ user: USER }),
    () => Response.json({ user: USER, created: false, sent: true, expires_at: AT }),
  ]);
  const { code, out, err } = await run("admin login-link --email ana@example.com --ttl 5m", url);
  expect([code, out]).toEqual([EXIT.unavailable, ""]);
  expect(err).toContain("sent the link to ana@example.com by mail");
  expect(asked.map(({ line, body }) => [line, body])).toEqual([
    ["GET /api/v1/admin/users/ana%40example.com", ""],
    ["POST /api/v1/admin/users/invite", '{"email":"ana@example.com","ttl_seconds":300}'],
  ]);
});

test("an export is written as it comes, and its rows are counted whatever stands in quotes", async () => {
  const type = { "content-type": "text/csv; charset=utf-8; header=present" };
  const rows = 'id,note\n1,"a\nb"\n2,c\n';
  const url = serve([
    () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(new TextEncoder().encode(rows));
            controller.close();
          },
        }),
        { headers: { ...type, "x-tokligence-rows": "2" } },
      ),
    () => new Response(rows, { headers: { ...type, "x-tokligence-rows-removed-before": "2026-01-01T00:00:00.000Z" } }),
  ]);
  const { out, err, code } = await run("usage export", url);
  expect([code, out, err]).toEqual([0, rows, "2 rows written\n"]);
  expect((await run("usage export", url)).err).toContain("rows from before 2026-01-01T00:00:00.000Z have been removed");
});

test.each(["usage export", "admin audit export"])(
  "%s leaves the file as it was where there is nothing to be had",
  async (line) => {
    const file = desk.write("kept.csv", "of yesterday");
    const { code } = await run(
      `${line} -o ${file}`,
      serve([refuse(503, { message: "Try again.", code: "overloaded" })]),
    );
    expect([code, readFileSync(file, "utf8")]).toEqual([EXIT.unavailable, "of yesterday"]);
    const { code: other } = await run(`${line} -o ${desk.folder}/none.csv`, "http://127.0.0.1:1");
    expect([other, existsSync(`${desk.folder}/none.csv`)]).toEqual([EXIT.unavailable, false]);
  },
);

describe("a list that comes a page at a time", () => {
  const page = (name: string, rows: object[], next: string | null) => (): Response =>
    Response.json({ [name]: rows, next_cursor: next });

  test("is read to its end: rate limits, shown by name too", async () => {
    const first = page("limits", [{ name: "a" }], "more");
    const last = page("limits", [{ name: "b" }], null);
    const url = serve([first, last, first, last]);
    const listed = JSON.parse((await run("admin limits list --json", url)).out) as { limits: { name: string }[] };
    expect(listed.limits.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(asked.map(({ line }) => line)[1]).toContain("cursor=more");
    expect((await run("admin limits show b --json", url)).code).toBe(EXIT.ok);
  });

  test("is read to its end: the keys of one user", async () => {
    const at = { created_at: "2026-01-01T00:00:00.000Z", updated_at: "2026-01-01T00:00:00.000Z" };
    const sets = { scopes: [], allowed_models: [], allowed_providers: [], allowed_ips: [], tags: [], former: [] };
    const user = () => Response.json({ user: { id: "u", email: "ana@example.com", role: "gateway_user", ...at } });
    const keys = (id: string, next: string | null) => page("api_keys", [{ id, prefix: "tok_x", ...sets, ...at }], next);
    const url = serve([user, keys("a", "more"), keys("b", null), page("sessions", [], null)]);
    const printed = await run("admin users show --id ana@example.com", url);
    expect(printed.out).toMatch(/api keys +2/u);
  });
});
