// What a command says where JSON comes from an address that is no gateway's, or not what it asked for: that is no defect of the program.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
let server: ReturnType<typeof Bun.serve>;
let answer: () => Response = () => Response.error();

beforeAll(() => {
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => answer() });
});
afterAll(() => server.stop(true));
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

const LINES = [
  ..."users api-keys sessions audit budgets limits providers routes settings health"
    .split(" ")
    .map((name) => `admin ${name} list`),
  ..."usage summary,usage breakdown --by model,usage timeseries,usage logs,audit tokens".split(","),
  ...["csv", "jsonl"].flatMap((format) => [`usage export --format ${format}`, `admin audit export --format ${format}`]),
  "admin users create --email a@b.c",
  "admin api-keys create --user a@b.c",
  "admin api-keys revoke --id 1 --yes",
  "admin budgets show --id all",
  "admin cache show",
  "admin providers test openai",
  "admin health disable --provider openai",
  "admin identities list --user a@b.c",
  "capabilities",
  "models list",
];

test.each(LINES)("%s", async (line) => {
  for (answer of [
    () => Response.json({ status: "ok" }),
    () => Response.json({ status: "ok" }, { status: 201 }),
    () => Response.json([]),
  ]) {
    const key = `tok_${"canary-remote-key".padEnd(43, "x")}`;
    const { code, out, err } = await desk.run([...line.split(" "), "--url", server.url.origin, "--key", key]);
    expect(err).toContain("is no Tokligence Gateway");
    expect([code, out]).toEqual([EXIT.failed, ""]);
  }
});
