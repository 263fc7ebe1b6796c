// Addresses that are written in another way than they are: none of them opens what its key may not, and nobody is told anything. Generated from the routes.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import type { Session } from "../../src/gateway/index.ts";
import type { Route } from "../../src/server/route.ts";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig;
let routes: Route[] = [];
/** Of an administrator, for what no route here takes. */
let token = "";
beforeAll(async () => {
  rig = await makeRig({ upstream: () => Response.json({}) });
  routes = rig.app.routes.filter(
    ({ authority }) => typeof authority === "object" && !authority.anyOf.includes("audit:read"),
  );
  token = (await rig.issue("root_admin", { scopes: ["audit:read"] })).token;
});
afterAll(() => rig.close());

const fill = ({ path }: Route): string =>
  path
    .replace(":provider", "openai")
    .replace(/:id\{\.\+\}|:id|\{model\}/u, "x")
    .replace(/\/:[a-z_]+/gu, "/none");

const WAYS: Record<string, (path: string) => string> = {
  "as it is": (path) => path,
  "a slash at its end": (path) => `${path}/`,
  "two slashes at its beginning": (path) => `/${path}`,
  "two slashes in it": (path) => path.replace(/\/(?=[^/]+$)/u, "//"),
  "capital letters": (path) => path.toUpperCase(),
  "a letter in hexadecimal": (path) => path.replace(/[a-z]/u, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  "its last letter in hexadecimal": (path) =>
    path.replace(/[a-z](?=[^a-z]*$)/u, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  "a slash in hexadecimal": (path) => path.replace(/(?<=.)\/(?=[^/]+$)/u, "%2F"),
  dots: (path) => `/x/..${path}`,
  "dots in hexadecimal": (path) => `/x/%2e%2e${path}`,
  "a path that is open before it": (path) => `/health/..%2f..${path}`,
  "a parameter in its path": (path) => `${path};a=b`,
  "a fragment of a query": (path) => `${path}?key=`,
  "a zero byte": (path) => `${path}%00`,
};

const METHODS_BESIDE = ["HEAD", "OPTIONS", "PUT", "PATCH", "TRACE"];

test.each(Object.entries(WAYS))("%s", async (_name, write) => {
  const wrong: string[] = [];
  for (const route of routes) {
    const methods = [route.method, ...(route.method === "GET" ? METHODS_BESIDE : [])];
    for (const method of methods) {
      const path = write(fill(route));
      const body = ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method) ? {} : { body: {} };
      const [nobody, somebody] = [
        (await rig.send(path, { method, token: null, ...body })).status,
        (await rig.send(path, { method, token, ...body })).status,
      ];
      if (nobody !== 401) wrong.push(`${method} ${path} as nobody: ${nobody}`);
      // That it takes other methods is no secret to whoever holds a key.
      const refusals = path === fill(route) && method === route.method ? [403, 404] : [403, 404, 405];
      if (!refusals.includes(somebody)) wrong.push(`${method} ${path} by a key of another scope: ${somebody}`);
    }
  }
  expect(routes.length).toBeGreaterThan(150);
  expect(wrong).toEqual([]);
  // Nothing of it went any further.
  expect(rig.calls).toEqual([]);
});

test("no header makes another method or another address of a request", async () => {
  const { token: own } = await rig.issue("root_admin");
  for (const headers of [
    { "x-http-method-override": "DELETE" },
    { "x-method-override": "DELETE" },
    { "x-original-url": "/api/v1/admin/users" },
    { "x-rewrite-url": "/api/v1/admin/users" },
  ]) {
    const response = await rig.send("/api/v1/profile", { token: own, headers });
    expect([response.status, "user" in JSON.parse(await response.text())]).toEqual([200, true]);
  }
});

test("what is looked up in letters is not read in hexadecimal: whose object it is, is told by one of the two", async () => {
  const { token: own } = await rig.issue();
  for (const path of ["/v1/%66iles/file-1", "/%76%31/files/file-1/content", "/v1/vector_%73tores/vs_1"]) {
    const response = await rig.send(path, { token: own });
    expect([path, response.status]).toEqual([path, 404]);
    expect(await response.text()).toContain("without %");
  }
  expect(rig.calls).toEqual([]);
});

test("a Host that is none is the client's fault, whoever it is", async () => {
  const faults = (): number => rig.log.filter((line) => line.includes('"level":"error"')).length;
  const before = faults();
  const server = Bun.serve<Session>({
    port: 0,
    websocket: rig.app.sockets,
    fetch: (request, self) => rig.app.fetch(request, self),
  });
  const ask = (path: string, host: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(server.port ?? 0, "127.0.0.1");
      let text = "";
      socket.on("data", (data) => (text += data.toString()));
      socket.on("error", reject).on("close", () => resolve(text.split("\r\n", 1)[0] ?? ""));
      const key = `Authorization: Bearer ${token}`;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${key}\r\nConnection: close\r\n\r\n`);
    });
  try {
    for (const host of ["[::1", "x:99999", "%00"]) {
      for (const path of ["/api/v1/auth/methods", "/api/v1/admin/audit", "/v1/files"]) {
        expect([path, await ask(path, host)]).toEqual([path, expect.stringMatching(/ 40\d /u)]);
      }
    }
  } finally {
    await server.stop(true);
  }
  expect(faults()).toBe(before);
});
