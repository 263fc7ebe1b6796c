// What an address asks of the books that makes no sense is refused by name, not answered with what was never asked.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig;
let token: string;

beforeAll(async () => {
  rig = await makeRig();
  ({ token } = await rig.issue("gateway_admin"));
});
afterAll(() => rig.close());

test.each([
  ["summary?from=7d&to=8d", "from"],
  ["summary?from=2026-01-02&to=2026-01-02", "from"],
  ["export?format=csv&from=2026-01-02&to=2026-01-01", "from"],
  ["breakdown?by=user&from=1d&to=2d", "from"],
  ["logs?from=1d&to=2d", "from"],
  ["logs?from=2026-01-02T00:00:00%2B24:00", "from"],
  ["logs?to=2026-01-02T00:00:00-01:60", "to"],
  ["logs?limit=1e2", "limit"],
  ["logs?limit=0x10", "limit"],
  ["logs?limit=%201", "limit"],
  ["summary?status=2e2", "status"],
  ["summary?status=0x1", "status"],
  ["summary?status=2", "status"],
  ["summary?user=", "user"],
  ["timeseries?bucket=year", "bucket"],
])("%s names %s", async (query, param) => {
  const response = await rig.send(`/api/v1/usage/${query}`, { method: "GET", token });
  expect(response.status).toBe(422);
  expect(await readJson(response)).toMatchObject({ error: { param } });
});
