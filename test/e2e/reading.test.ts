// Reading the books from the executable: the thread that reads is found inside it, and what it says is what the command line says.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Served, serve } from "./binary.ts";

const CALLS = 12;

let served: Served;
let token = "";

beforeAll(async () => {
  served = await serve();
  await served.run(["admin", "users", "create", "--email", "ana@example.com"]);
  const issued = await served.run(["admin", "api-keys", "create", "--user", "ana@example.com", "--json"]);
  token = JSON.parse(issued.out).token;
  const call = async (index: number): Promise<void> => {
    const response = await fetch(`${served.url}/v1/chat/completions`, {
      method: "POST",
      headers: { ...auth(), "content-type": "application/json", "x-tokligence-tags": `team=t${index % 3}` },
      body: JSON.stringify({ model: "loopback", messages: [{ role: "user", content: "hi" }] }),
    });
    expect(response.status).toBe(200);
  };
  for (let index = 0; index < CALLS; index++) await call(index);
});
afterAll(() => served.stop());

const auth = () => ({ authorization: `Bearer ${token}` });
const get = (path: string): Promise<Response> => fetch(`${served.url}/api/v1/usage/${path}`, { headers: auth() });

test("every report is the same by HTTP and on the command line", async () => {
  const { summary } = (await (await get("summary")).json()) as { summary: Record<string, unknown> };
  expect(summary["requests"]).toBe(CALLS);
  expect(JSON.parse((await served.run(["usage", "summary", "--json"])).out)).toEqual(summary);
  const breakdown = await (await get("breakdown?by=model,status")).json();
  expect(JSON.parse((await served.run(["usage", "breakdown", "--by", "model,status", "--json"])).out).groups).toEqual(
    (breakdown as { groups: unknown[] }).groups,
  );
  const { series } = (await (await get("timeseries?bucket=month&tz=Asia/Kolkata")).json()) as {
    series: { requests: number }[];
  };
  expect(series.reduce((sum, { requests }) => sum + requests, 0)).toBe(CALLS);
});

test("exports are the same by HTTP and on the command line", async () => {
  const byHttp = await (await get("export?format=csv")).text();
  expect(byHttp.trimEnd().split("\r\n")).toHaveLength(CALLS + 1);
  const { code, out } = await served.run(["usage", "export", "--format", "csv", "-o", "usage.csv", "--json"]);
  expect({ code, out: JSON.parse(out) }).toEqual({ code: 0, out: { rows: CALLS, file: "usage.csv" } });
  expect(await Bun.file(`${served.folder}/usage.csv`).text()).toBe(byHttp);
});

test("refusals keep their status across the thread", async () => {
  expect((await get("logs?cursor=none")).status).toBe(422);
});
