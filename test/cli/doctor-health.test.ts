// What the doctor says of the gateway that runs: what that one leaves alone at present, as it tells whoever shows it a key.

import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { runCli } from "../../src/cli/index.ts";
import type { Session } from "../../src/gateway/index.ts";
import { type Rig, makeRig } from "../rig.ts";
import { ASK, SECOND, completion, refusal } from "../server/failover-scene.ts";
import { capture } from "./desk.ts";
import { type Report, atEnd, desk, of, setting, useMachines } from "./doctor-scene.ts";

useMachines();
let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

/** A gateway of which `openai` answers with that status, and what the doctor finds of it. */
async function open(answer: () => Response) {
  const gateway = await makeRig({
    upstream: ({ url }) => (url.startsWith("http://openai") ? answer() : Response.json(completion("Hi"))),
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 3 },
      routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...SECOND], origin: "test" }],
    }),
  });
  rig = gateway;
  const server = Bun.serve<Session>({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, listener) => gateway.app.fetch(request, listener),
    websocket: gateway.app.sockets,
  });
  atEnd(() => server.stop(true));
  setting(`http_address = 127.0.0.1:${server.port}`);
  const { token } = await gateway.issue("gateway_admin");
  const variables = { TOKLIGENCE_URL: `http://127.0.0.1:${server.port}`, TOKLIGENCE_KEY: token };
  const examine = async (): Promise<string[]> => {
    Object.assign(process.env, variables);
    try {
      const line = ["doctor", "--offline", "--json", "--config", join(desk.folder, "config")];
      return of(JSON.parse((await capture(() => runCli(line))).out) as Report, "health");
    } finally {
      for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name);
    }
  };
  return { gateway, examine, token, url: variables.TOKLIGENCE_URL };
}

test("one that fails is left alone, and is not once it is tried again", async () => {
  const { gateway, examine, url } = await open(() => refusal(500));
  expect(await examine()).toEqual([`ok: ${url}: leaves none of its 4 providers alone`]);
  for (let call = 0; call < 5; call++) await gateway.chat(ASK);
  expect(await examine()).toEqual([expect.stringMatching(/^warning: openai\/gpt-4o: is left alone until \d{4}-/u)]);
  gateway.clock.advance(60_000);
  expect(await examine()).toEqual([`ok: ${url}: leaves none of its 4 providers alone`]);
});

test("a key that is void, until its pause is over", async () => {
  const { gateway, examine, url } = await open(() => refusal(401));
  await gateway.chat(ASK);
  expect(await examine()).toEqual([
    expect.stringMatching(/^warning: openai: its key is not used until \d{4}-.*: revoked$/u),
  ]);
  gateway.clock.advance(3_600_000);
  expect(await examine()).toEqual([`ok: ${url}: leaves none of its 4 providers alone`]);
});

test("a key that may not be used for one model, and what an operator drained", async () => {
  const { gateway, examine, token } = await open(() => refusal(403));
  await gateway.chat(ASK);
  const limited = expect.stringMatching(
    /^warning: openai\/gpt-4o: its key is not used for this model until .*: no-access$/u,
  );
  expect(await examine()).toEqual([limited]);
  const path = "/api/v1/admin/health/providers/local/drain";
  await gateway.send(path, { token, body: { model: "second" } });
  expect(await examine()).toEqual([limited, "note: local/second: was drained by an operator"]);
  await gateway.send(path, { token, body: {} });
  expect(await examine()).toEqual([limited, "note: local: was drained by an operator"]);
});
