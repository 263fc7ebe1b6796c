// Answers that a provider makes in the background, over which a gateway stopped or died: what they cost is on the books once the next one runs.

import { afterEach, expect, test } from "bun:test";
import { type Intent, closeIntent } from "../../src/ledger/index.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Rig, type Upstream, makeRig, readJson } from "../rig.ts";

const open: Rig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});
async function start(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  const rig = await makeRig(init);
  open.push(rig);
  return rig;
}

const PATH = "/v1/responses";
const BODY = { model: "gpt-5", input: "Take your time.", background: true };
const SPENT = { input_tokens: 50, output_tokens: 40, total_tokens: 90 };

interface Keeper {
  upstream: Upstream;
  isDone: boolean;
  isGone: boolean;
}

/** A provider that makes answers in the background itself, until it is told that they are done. */
function makeKeeper(): Keeper {
  const answer = (more: object): object => ({
    id: "resp_native",
    object: "response",
    created_at: 1_700_000_000,
    background: true,
    model: "gpt-5",
    output: [],
    usage: null,
    error: null,
    ...more,
  });
  const keeper: Keeper = {
    isDone: false,
    isGone: false,
    upstream({ method, url, body }) {
      if (url.endsWith("/models")) return Response.json({ data: [] });
      const begun = answer({ status: "in_progress" });
      if (method === "POST" && (body as { stream?: boolean }).stream === true) {
        const created = { type: "response.created", sequence_number: 0, response: begun };
        const stream = new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(created)}\n\n`)),
        });
        return new Response(stream, { headers: { "content-type": "text/event-stream" } });
      }
      if (method === "POST") return Response.json(begun);
      if (method === "DELETE") keeper.isGone = true;
      if (keeper.isGone) return Response.json({ error: { message: "gone" } }, { status: 404 });
      return Response.json(keeper.isDone ? answer({ status: "completed", usage: SPENT }) : begun);
    },
  };
  return keeper;
}

/** So many looks, each with the time that it takes. */
async function pass(gateway: Rig, looks = 20, everyMs = 30_000): Promise<void> {
  for (let look = 0; look < looks; look++) {
    gateway.clock.advance(everyMs);
    for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

async function listCorrections(gateway: Rig) {
  return (await gateway.rows()).filter(({ kind }) => kind === "correction");
}

function countLooks({ calls }: Rig): number {
  return calls.filter(({ method, url }) => method === "GET" && url.endsWith("/resp_native")).length;
}

const BOOKED = { requests: 1, freshInputTokens: 50, outputTokens: 40 };

test("a gateway that stopped over it books what was read, and the next one the rest, once", async () => {
  const keeper = makeKeeper();
  const gateway = await start({ upstream: keeper.upstream });
  expect((await gateway.send(PATH, { body: BODY })).status).toBe(200);
  await gateway.memory.stop();
  const row = await gateway.row();
  expect(row).toMatchObject({ status: 200, usageSource: "estimate", outputTokens: 0 });
  gateway.clock.advance(86_400_000);
  await gateway.app.resume();
  await pass(gateway);
  expect(await listCorrections(gateway)).toEqual([]);
  keeper.isDone = true;
  await pass(gateway);
  expect(await listCorrections(gateway)).toMatchObject([
    { corrects: row.id, reason: "usage", usageSource: "provider" },
  ]);
  const { consume } = await gateway.store.ledger.summarize({});
  expect(consume).toMatchObject(BOOKED);
  expect(consume.costNanos).toBeGreaterThan(row.costNanos ?? 0);
  const looks = countLooks(gateway);
  await gateway.app.resume();
  await pass(gateway);
  expect(countLooks(gateway)).toBe(looks);
  expect(await listCorrections(gateway)).toHaveLength(1);
});

test("one that is followed anew is asked for by nobody else, and stops with its gateway", async () => {
  const keeper = makeKeeper();
  const gateway = await start({ upstream: keeper.upstream });
  await gateway.send(PATH, { body: BODY });
  await gateway.memory.stop();
  await gateway.app.resume();
  expect(gateway.ledger.pending()).toEqual(["resp_native"]);
  await gateway.app.resume();
  await pass(gateway, 1, 1_000);
  expect(countLooks(gateway)).toBe(1);
  await gateway.memory.stop();
  expect(gateway.ledger.pending()).toEqual([]);
  keeper.isDone = true;
  await gateway.app.resume();
  await pass(gateway);
  expect((await gateway.store.ledger.summarize({})).consume).toMatchObject(BOOKED);
});

test("one that its owner removes meanwhile is booked before it is gone", async () => {
  const keeper = makeKeeper();
  const gateway = await start({ upstream: keeper.upstream });
  await gateway.send(PATH, { body: BODY });
  await gateway.memory.stop();
  await gateway.app.resume();
  keeper.isDone = true;
  expect((await gateway.send(`${PATH}/resp_native`, { method: "DELETE" })).status).toBe(200);
  await pass(gateway);
  expect((await gateway.store.ledger.summarize({})).consume).toMatchObject(BOOKED);
});

test.each([{}, { stream: true }])("a gateway that died over it %j leaves to the next one what it cost", async (how) => {
  const intents: Intent[] = [];
  const keeper = makeKeeper();
  const dead = await start({
    upstream: keeper.upstream,
    ledger: (writer) => ({
      ...writer,
      intend(intent, before) {
        intents.push(intent);
        return writer.intend(intent, before);
      },
    }),
  });
  const response = await dead.send(PATH, { body: { ...BODY, ...how } });
  await (how.stream === true ? response.body?.getReader().read() : readJson(response));
  const last = intents.at(-1);
  if (last === undefined) throw new Error("nothing was announced");
  const gateway = await start({ upstream: keeper.upstream });
  await gateway.ledger.add(closeIntent({ ...last, createdAt: last.createdAt.toISOString() }));
  expect(await gateway.row()).toMatchObject({ errorKind: "interrupted", usageSource: "estimate" });
  keeper.isDone = true;
  await gateway.app.resume();
  await pass(gateway);
  expect(await listCorrections(gateway)).toHaveLength(1);
  expect((await gateway.store.ledger.summarize({})).consume).toMatchObject(BOOKED);
});

test.skipIf(!hasPostgres).each([
  ["before anybody saw it done", false],
  ["once its owner saw it done there", true],
])("one that its owner removes at another gateway %s is booked by the one that follows it", async (_when, isSeen) => {
  const location = await createDatabase();
  const keeper = makeKeeper();
  const config: NonNullable<Parameters<typeof makeRig>[0]>["config"] = (base) => ({
    ...base,
    identityPath: location,
    ledgerPath: location,
  });
  const maker = await start({ upstream: keeper.upstream, config });
  const other = await start({ upstream: keeper.upstream, config });
  const { token, userId } = await maker.issue();
  await other.ring.refresh();
  expect((await maker.send(PATH, { body: BODY, token })).status).toBe(200);
  keeper.isDone = true;
  if (isSeen) expect((await other.send(`${PATH}/resp_native`, { token })).status).toBe(200);
  expect((await other.send(`${PATH}/resp_native`, { method: "DELETE", token })).status).toBe(200);
  for (const each of [maker, other]) expect((await each.send(`${PATH}/resp_native`, { token })).status).toBe(404);
  maker.clock.advance(1_000);
  while (maker.ledger.figures().openIntents > 0) await new Promise(setImmediate);
  expect((await maker.store.answers.find("resp_native", userId, new Date(0)))?.body).toBeUndefined();
  const { entries } = await maker.store.ledger.page({}, 10, null);
  expect(entries).toMatchObject([{ freshInputTokens: 50, outputTokens: 40, usageSource: "provider" }]);
});
