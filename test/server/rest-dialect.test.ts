// The same addresses for clients of another format: Anthropic's batches and files, by its own SDK, with its pages, errors and links.

import { afterEach, expect, test } from "bun:test";
import Anthropic, { toFile } from "@anthropic-ai/sdk";
import { ANTHROPIC_KEY, type Rig, type UpstreamCall, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

interface Kept {
  id: string;
  [field: string]: unknown;
}

/** As strict as the real one about key and version. */
function makeUpstream() {
  const kept: Kept[] = [];
  const refuse = (status: number, message: string): Response =>
    Response.json({ type: "error", error: { type: "not_found_error", message }, request_id: "req_1" }, { status });
  return (call: UpstreamCall): Response => {
    const url = new URL(call.url);
    if (url.pathname === "/v1/models") return Response.json({ data: [] });
    if (call.headers.get("x-api-key") !== ANTHROPIC_KEY) return refuse(401, "invalid x-api-key");
    if (call.headers.get("anthropic-version") === null) return refuse(400, "anthropic-version: header is required");
    const [, , ...path] = url.pathname.split("/");
    const isFile = path[0] === "files";
    const id = path[isFile ? 1 : 2];
    if (id === undefined && call.method === "POST") {
      const made = isFile
        ? { id: `file_${kept.length}`, type: "file", filename: "a.txt", downloadable: true }
        : {
            id: `msgbatch_${kept.length}`,
            type: "message_batch",
            processing_status: "ended",
            results_url: `https://api.anthropic.com/v1/messages/batches/msgbatch_${kept.length}/results`,
          };
      kept.push(made);
      return Response.json(made);
    }
    if (id === undefined) {
      const after = url.searchParams.get("after_id");
      const all = kept.filter((one) => one.id.startsWith(isFile ? "file" : "msgbatch")).toReversed();
      // Its files are listed by pages that have names.
      if (isFile) return pageOfFiles(all, url.searchParams);
      const before = url.searchParams.get("before_id");
      if (before !== null) return pageBefore(all, before, Number(url.searchParams.get("limit") ?? 20));
      const start = after === null ? 0 : all.findIndex((one) => one.id === after) + 1;
      const data = all.slice(start, start + Number(url.searchParams.get("limit") ?? 20));
      return Response.json({
        data,
        has_more: start + data.length < all.length,
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
      });
    }
    const found = kept.find((one) => one.id === id);
    if (found === undefined) return refuse(404, `no ${id}`);
    if (path.at(-1) === "results")
      return new Response(`{"custom_id":"a","result":{"type":"succeeded"}}\n`, {
        headers: { "content-type": "application/x-jsonl" },
      });
    if (call.method === "DELETE") return Response.json({ id, type: `${String(found["type"])}_deleted` });
    return Response.json(found);
  };
}

/** Immediately before it, in the list's own order. */
function pageBefore(all: Kept[], id: string, limit: number): Response {
  const end = all.findIndex((one) => one.id === id);
  const data = all.slice(Math.max(0, end - limit), end);
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  return Response.json({ data, has_more: end > limit, ...ends });
}

function pageOfFiles(all: Kept[], query: URLSearchParams): Response {
  const start = Number((query.get("page") ?? "page_0").slice(5));
  const end = start + Number(query.get("limit") ?? 20);
  return Response.json({ data: all.slice(start, end), next_page: end < all.length ? `page_${end}` : null });
}

async function open() {
  const gateway = await makeRig({ upstream: makeUpstream() });
  rig = gateway;
  const connect = async (prefix = "") => {
    const { token } = await gateway.issue();
    return new Anthropic({
      apiKey: token,
      baseURL: `http://gateway.test${prefix}`,
      maxRetries: 0,
      fetch: gateway.fetch,
    });
  };
  return { gateway, connect };
}

const REQUESTS = [
  {
    custom_id: "a",
    params: { model: "claude-sonnet-5-5", max_tokens: 8, messages: [{ role: "user" as const, content: "hi" }] },
  },
];

async function refusalOf(attempt: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await attempt();
  } catch (error) {
    return error;
  }
  return null;
}

test.each(["", "/anthropic"])("batches are made, read, listed and their results fetched under %p", async (prefix) => {
  const { gateway, connect } = await open();
  const [client, other] = [await connect(prefix), await connect(prefix)];
  const batch = await client.messages.batches.create({ requests: REQUESTS });
  await other.messages.batches.create({ requests: REQUESTS });
  const second = await client.messages.batches.create({ requests: REQUESTS });
  expect(batch.results_url).toBe(`http://gateway.test/v1/messages/batches/${batch.id}/results`);
  const results = [];
  for await (const result of await client.messages.batches.results(batch.id)) results.push(result);
  expect(results).toEqual([{ custom_id: "a", result: { type: "succeeded" } } as never]);
  const listed: string[] = [];
  for await (const each of client.messages.batches.list({ limit: 1 })) {
    expect(each.results_url).toStartWith("http://gateway.test/");
    listed.push(each.id);
  }
  expect(listed).toEqual([second.id, batch.id]);
  const refused = await refusalOf(() => other.messages.batches.retrieve(batch.id));
  expect(refused).toBeInstanceOf(Anthropic.NotFoundError);
  expect(refused).toMatchObject({ error: { type: "error", error: { type: "not_found_error" } } });
  await client.messages.batches.delete(batch.id);
  expect(await refusalOf(() => client.messages.batches.retrieve(batch.id))).toBeInstanceOf(Anthropic.NotFoundError);
  const rows = (await gateway.rows()).toReversed().map((row) => [row.endpoint, row.provider]);
  expect(rows[0]).toEqual(["messages.batches.create", "anthropic"]);
  expect(rows.some(([endpoint]) => endpoint === "messages.batches.results")).toBe(true);
});

test("files go to the provider whose format the client speaks, and their ids stand in messages for their owner only", async () => {
  const { gateway, connect } = await open();
  const [client, other] = [await connect(), await connect()];
  const file = await client.beta.files.upload({ file: await toFile(Buffer.from("hello"), "a.txt") });
  expect(file.id).toStartWith("file_");
  expect((await client.beta.files.retrieveMetadata(file.id)).id).toBe(file.id);
  const ask = (from: Anthropic) =>
    from.beta.messages.create({
      model: "claude-sonnet-5-5",
      max_tokens: 8,
      messages: [{ role: "user", content: [{ type: "document", source: { type: "file", file_id: file.id } }] }],
    });
  const asked = gateway.calls.length;
  expect(await refusalOf(() => ask(other))).toBeInstanceOf(Anthropic.NotFoundError);
  expect(gateway.calls.length).toBe(asked);
  await refusalOf(() => ask(client));
  expect(gateway.calls.at(-1)?.url).toStartWith("http://anthropic.test/v1/messages");
});

test("a list backwards holds the caller's own, nearest page first, with everybody else's between", async () => {
  const { connect } = await open();
  const [client, other] = [await connect(), await connect()];
  const make = async (from: Anthropic): Promise<string> =>
    (await from.messages.batches.create({ requests: REQUESTS })).id;
  const mine: string[] = [];
  for (let round = 0; round < 9; round++) {
    mine.unshift(await make(client));
    for (let between = 0; between < 25; between++) await make(other);
  }
  const oldest = mine.at(-1) ?? "";
  const page = await client.messages.batches.list({ before_id: oldest, limit: 2 });
  expect([page.data.map(({ id }) => id), page.has_more]).toEqual([mine.slice(6, 8), true]);
  const pages: string[][] = [page.data.map(({ id }) => id)];
  for (let next = page; next.hasNextPage();) {
    next = await next.getNextPage();
    pages.unshift(next.data.map(({ id }) => id));
  }
  expect(pages.flat()).toEqual(mine.slice(0, 8));
});

test("a list by named pages holds the caller's own, page by page, with everybody else's between", async () => {
  const { gateway, connect } = await open();
  const [client, other] = [await connect(), await connect()];
  const make = async (from: Anthropic): Promise<string> =>
    (await from.beta.files.upload({ file: await toFile(Buffer.from("x"), "a.txt") })).id;
  const mine: string[] = [];
  for (let round = 0; round < 45; round++) {
    mine.unshift(await make(client));
    for (let between = 0; between < 2; between++) await make(other);
  }
  const first = await client.beta.files.list({ limit: 4 });
  expect(first.data.map(({ id }) => id)).toEqual(mine.slice(0, 4));
  expect(Object.keys(first)).not.toContain("has_more");
  for (const query of [{ limit: 4 }, { limit: 45 }, {}, { limit: 100 }]) {
    const asked = gateway.calls.length;
    const all: string[] = [];
    for await (const { id } of client.beta.files.list(query)) all.push(id);
    expect(all).toEqual(mine);
    expect(gateway.calls.length - asked).toBeLessThan(15);
  }
  const stranger = await (await connect()).beta.files.list();
  expect([stranger.data, stranger.hasNextPage()]).toEqual([[], false]);
  const refused = await refusalOf(() => client.beta.files.list({ page: "page_tokligence_x" }));
  expect(refused).toBeInstanceOf(Anthropic.BadRequestError);
});

test.each([
  ["/v1/messages/batches/none", {}, "error"],
  ["/anthropic/v1/messages/batches/none", {}, "error"],
  ["/anthropic/v1/files/none", {}, "error"],
  ["/v1/files/none", { "anthropic-version": "2023-06-01" }, "error"],
  ["/v1/files/none", {}, undefined],
  ["/v1/batches/none", {}, undefined],
])("a refusal at %s, with %j, is in the format of the address, else of the client", async (path, headers, type) => {
  const { gateway } = await open();
  const response = await gateway.send(path, { headers });
  const body = await readJson(response);
  expect([response.status, body.type]).toEqual([404, type]);
  expect(body.error.type).toBe(type === undefined ? "invalid_request_error" : "not_found_error");
  const foreign = await gateway.send(path, { headers, token: "tok_wrong" });
  expect((await readJson(foreign)).type).toBe(type);
});
