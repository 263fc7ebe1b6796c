// Answers that are kept: found by their owner alone, gone on from with every provider, listed, streamed again and removed.
// Each test speaks to the whole gateway; upstreams are scripted.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";
import { CLAUDE, GPT, type Init, PATH, create, created, script, sent } from "./memory-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

describe("going on from an answer", () => {
  test("puts what was said before into the request, without its instructions", async () => {
    const gateway = await open({ upstream: script });
    const first = await created(gateway, { input: "My name is Ann.", instructions: "Be brief." });
    expect(first.id).toMatch(/^resp_[0-9a-f]{36}$/);
    expect(first.store).toBe(true);
    const response = await create(gateway, { input: "Who am I?", previous_response_id: first.id, store: true });
    const second = await readJson(response);
    expect([second.previous_response_id, second.store]).toEqual([first.id, true]);
    expect(second.id).not.toBe(first.id);
    const { messages, system } = sent(gateway, 1);
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    expect(JSON.stringify(messages)).toMatch(/My name is Ann.*Hm\..*c2lnbmVk.*Fine\..*Who am I/);
    expect(system).toBeUndefined();
    expect(response.headers.get("x-tokligence-dropped")).toBeNull();
    await created(gateway, { input: "And then?", previous_response_id: second.id });
    expect(sent(gateway, 2).messages).toHaveLength(5);
  });

  test("works from a streamed answer the moment its last event is there", async () => {
    const gateway = await open();
    const streamed = await create(gateway, { model: "loopback", input: "one", stream: true });
    const text = await streamed.text();
    const id = /"id":"(resp_[^"]+)"/.exec(text)?.[1];
    const next = await created(gateway, { model: "loopback", input: "two", previous_response_id: id });
    expect(next.previous_response_id).toBe(id);
    const items = await readJson(await gateway.send(`${PATH}/${id}/input_items`));
    expect(items.data[0].content[0].text).toBe("one");
  });

  test("is left to the provider that keeps the answer itself", async () => {
    const gateway = await open({ upstream: script });
    const first = await created(gateway, { model: GPT, input: "one" });
    await created(gateway, { model: GPT, input: "two", previous_response_id: first.id });
    expect(sent(gateway, 1)).toMatchObject({ input: "two", previous_response_id: first.id } as never);
  });

  test("names no other one that stands behind or before it", async () => {
    const gateway = await open({ upstream: script });
    const { id, output } = await created(gateway, { model: GPT, input: "one" });
    for (const text of [
      `{"model":"${GPT}","input":"two","previous_response_id":"resp_other","previous_response_id":"${id}"}`,
      `{"model":"${GPT}","input":"two","previous_response_id":"resp_other","previous_response_id":null}`,
      `{"model":"${GPT}","input":[{"type":"item_reference","id":"msg_other"}],"input":"two"}`,
      `{"model":"${GPT}","input":[{"type":"item_reference","id":"msg_other","id":"${output[1].id}"}]}`,
    ]) {
      const response = await gateway.send(PATH, { body: text });
      expect([response.status, (await readJson(response)).error.code]).toEqual([400, "repeated_field"]);
    }
    expect(gateway.calls).toHaveLength(1);
  });

  test("moves from the one that keeps it to one that does not, and back", async () => {
    const gateway = await open({ upstream: script });
    const native = await created(gateway, { model: GPT, input: "one" });
    const moved = await created(gateway, { input: "two", previous_response_id: native.id });
    expect(JSON.stringify(sent(gateway, 1).messages)).toMatch(/one.*Native\..*two/);
    const back = await created(gateway, { model: GPT, input: "three", previous_response_id: moved.id });
    const { input, ...rest } = sent(gateway, 2);
    expect(rest).not.toHaveProperty("previous_response_id");
    expect(input.map((item) => [item["type"], item["id"]])).toEqual([
      ["message", undefined],
      // What this server sealed itself comes back to it, what another did means nothing to it.
      ["reasoning", native.output[0].id],
      ["message", undefined],
      ["message", undefined],
      ["message", undefined],
      ["message", undefined],
    ]);
    expect(JSON.stringify(input)).toMatch(/one.*bmF0aXZl.*Native\..*two.*Fine\..*three/);
    // From here on the provider knows all of it.
    await created(gateway, { model: GPT, input: "four", previous_response_id: back.id });
    expect(sent(gateway, 3)).toMatchObject({ input: "four", previous_response_id: back.id } as never);
  });

  test("of another owner, of nobody, or where a turn in between is gone, is refused in the words that clients know", async () => {
    const gateway = await open({ upstream: script });
    const first = await created(gateway, { input: "secret" });
    const second = await created(gateway, { input: "more", previous_response_id: first.id });
    const { token } = await gateway.issue();
    const before = gateway.calls.length;
    const expectMissing = async (id: string, init: Init = {}, model = CLAUDE) => {
      const response = await create(gateway, { model, input: "x", previous_response_id: id }, init);
      expect(response.status).toBe(400);
      expect((await readJson(response)).error).toMatchObject({
        message: `Previous response with id '${id}' not found.`,
        type: "invalid_request_error",
        param: "previous_response_id",
        code: "previous_response_not_found",
      });
    };
    await expectMissing(second.id, { token });
    await expectMissing(second.id, { token }, GPT);
    await expectMissing("resp_nobody");
    await expectMissing("resp_nobody", {}, GPT);
    await gateway.send(`${PATH}/${first.id}`, { method: "DELETE" });
    const response = await create(gateway, { input: "x", previous_response_id: second.id });
    expect((await readJson(response)).error.code).toBe("previous_response_not_found");
    expect(gateway.calls).toHaveLength(before);
    expect((await gateway.rows()).filter((row) => row.status === 400)).toHaveLength(5);
  });

  test("of one that was not kept is refused, too", async () => {
    const gateway = await open({ upstream: script });
    const first = await created(gateway, { input: "x", store: false });
    expect(first.store).toBe(false);
    expect((await gateway.send(`${PATH}/${first.id}`)).status).toBe(404);
    expect((await create(gateway, { input: "y", previous_response_id: first.id })).status).toBe(400);
    await gateway.memory.stop();
    expect((await gateway.store.answers.tally(null)).count).toBe(0);
  });

  test("and a conversation at once, or a conversation where there are none, is refused by name", async () => {
    const gateway = await open({ upstream: script });
    const both = await create(gateway, { input: "x", previous_response_id: "resp_1", conversation: "conv_1" });
    expect((await readJson(both)).error.param).toBe("previous_response_id");
    const none = await create(gateway, { input: "x", conversation: { id: "conv_1" } });
    expect([none.status, (await readJson(none)).error.param]).toEqual([400, "conversation"]);
    expect(gateway.calls).toEqual([]);
  });
});

describe("items by name", () => {
  test("are put in place of their names, from answers and from requests", async () => {
    const gateway = await open({ upstream: script });
    const first = await created(gateway, { input: "one" });
    const items = await readJson(await gateway.send(`${PATH}/${first.id}/input_items`));
    const message = first.output.find((item: { type: string }) => item.type === "message");
    const second = await created(gateway, {
      input: [{ type: "item_reference", id: items.data[0].id }, { id: message.id }, { role: "user", content: "two" }],
    });
    expect(JSON.stringify(sent(gateway, 1).messages)).toMatch(/one.*Fine\..*two/);
    // What was named is kept in full, for the turns that follow.
    await gateway.send(`${PATH}/${first.id}`, { method: "DELETE" });
    await created(gateway, { input: "three", previous_response_id: second.id });
    expect(JSON.stringify(sent(gateway, 2).messages)).toMatch(/one.*Fine\..*two.*Fine\..*three/);
  });

  test("are left to the provider that has them, and only to that", async () => {
    const gateway = await open({ upstream: script });
    const first = await created(gateway, { model: GPT, input: "one" });
    const names = first.output.map((item: { id: string }) => ({ type: "item_reference", id: item.id }));
    const input = [...names, { role: "user", content: "two" }];
    await created(gateway, { model: GPT, input });
    expect(sent(gateway, 1).input).toEqual(input);
    await created(gateway, { input });
    expect(JSON.stringify(sent(gateway, 2).messages)).toMatch(/Native\..*two/);
  });

  test("that are another's are not there", async () => {
    const gateway = await open({ upstream: script });
    const first = await created(gateway, { model: GPT, input: "one" });
    const { token } = await gateway.issue();
    const own = await readJson(await gateway.send(`${PATH}/${first.id}/input_items`));
    for (const id of [first.output[1].id, own.data[0].id, "msg_none"]) {
      for (const model of [CLAUDE, GPT]) {
        const input = [{ type: "item_reference", id }];
        const response = await create(gateway, { model, input }, { token });
        expect([id, response.status]).toEqual([id, 404]);
        expect((await readJson(response)).error.message).toStartWith(`Item with id '${id}' not found.`);
      }
    }
    expect(gateway.calls).toHaveLength(1);
  });
});

describe("a kept answer", () => {
  test("is given as it was, also after it has been written", async () => {
    const gateway = await open({ upstream: script });
    const first = await created(gateway, { input: "one" });
    expect(await readJson(await gateway.send(`${PATH}/${first.id}`))).toEqual(first);
    gateway.clock.advance(1_000);
    await gateway.memory.stop();
    expect(await readJson(await gateway.send(`${PATH}/${first.id}`))).toEqual(first);
    expect((await gateway.store.answers.tally(null)).count).toBe(1);
  });

  test("is nobody else's to see, list, cancel or remove", async () => {
    const gateway = await open({ upstream: script });
    const { id } = await created(gateway, { input: "one" });
    const { token } = await gateway.issue("root_admin");
    const asks = [
      ["GET", ""],
      ["GET", "?stream=true"],
      ["DELETE", ""],
      ["GET", "/input_items"],
      ["POST", "/cancel"],
    ] as const;
    for (const [method, rest] of asks) {
      for (const [owner, name] of [
        [token, id],
        [undefined, "resp_none"],
      ] as const) {
        const init = { method, ...(owner === undefined ? {} : { token: owner }) };
        const response = await gateway.send(`${PATH}/${name}${rest}`, init);
        expect([method, rest, response.status]).toEqual([method, rest, 404]);
        expect((await readJson(response)).error).toMatchObject({
          message: `Response with id '${name}' not found.`,
          type: "invalid_request_error",
        });
      }
    }
    expect((await gateway.send(`${PATH}/${id}`)).status).toBe(200);
  });

  test("lists what it was asked, page by page, in both orders", async () => {
    const gateway = await open({ upstream: script });
    const input = Array.from({ length: 5 }, (_, index) => ({ role: "user", content: `item ${index}` }));
    const { id } = await created(gateway, { input });
    const list = async (query: string) => readJson(await gateway.send(`${PATH}/${id}/input_items${query}`));
    const all = await list("?order=asc");
    expect(all).toMatchObject({ object: "list", has_more: false, first_id: all.data[0].id, last_id: all.data[4].id });
    expect(all.data[0]).toMatchObject({
      type: "message",
      role: "user",
      status: "completed",
      content: [{ type: "input_text", text: "item 0" }],
    });
    const ids: string[] = all.data.map((item: { id: string }) => item.id);
    expect(new Set(ids).size).toBe(5);
    expect((await list("")).data.map((item: { id: string }) => item.id)).toEqual(ids.toReversed());
    const page = await list(`?order=asc&limit=2&after=${ids[1]}`);
    expect(page).toMatchObject({ has_more: true, first_id: ids[2], last_id: ids[3] });
    for (const query of ["?limit=0", "?limit=101", "?limit=x", "?order=up", "?after=msg_none"]) {
      expect([query, (await gateway.send(`${PATH}/${id}/input_items${query}`)).status]).toEqual([query, 400]);
    }
  });

  test("is streamed again from its text, from any event on", async () => {
    const gateway = await open({ upstream: script });
    const answer = await created(gateway, { input: "one" });
    const read = async (query: string) => {
      const response = await gateway.send(`${PATH}/${answer.id}?stream=true${query}`);
      expect(response.headers.get("content-type")).toStartWith("text/event-stream");
      const frames = (await response.text()).split("\n\n").filter((frame) => frame !== "");
      return frames.map((frame) => JSON.parse(frame.slice(frame.indexOf("data: ") + 6)));
    };
    const events = await read("");
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events[0]).toMatchObject({ type: "response.created", response: { id: answer.id, status: "in_progress" } });
    expect(events.at(-1)).toMatchObject({ type: "response.completed", response: answer });
    const text = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
    expect(text.join("")).toBe("Fine.");
    expect(await read("&starting_after=4")).toEqual(events.slice(5));
    const late = await read("&starting_after=900");
    expect(late).toMatchObject([{ type: "response.completed", sequence_number: 901 }]);
    const bad = await gateway.send(`${PATH}/${answer.id}?stream=true&starting_after=x`);
    expect([bad.status, (await readJson(bad)).error.param]).toEqual([400, "starting_after"]);
  });

  test("is removed for good, also at the provider that keeps it", async () => {
    const gateway = await open({
      upstream: (call) => (call.method === "DELETE" ? Response.json({ deleted: true }) : script(call)),
    });
    for (const model of [CLAUDE, GPT]) {
      const { id } = await created(gateway, { model, input: "one" });
      const removed = await gateway.send(`${PATH}/${id}`, { method: "DELETE" });
      expect(await readJson(removed)).toEqual({ id, object: "response", deleted: true });
      expect((await gateway.send(`${PATH}/${id}`)).status).toBe(404);
      expect((await gateway.send(`${PATH}/${id}`, { method: "DELETE" })).status).toBe(404);
    }
    const removals = gateway.calls.filter((call) => call.method === "DELETE");
    expect(removals.map((call) => call.url)).toEqual([
      expect.stringMatching(/^http:\/\/openai\.test\/v1\/responses\/resp_native\d+$/),
    ]);
    expect((await gateway.store.answers.tally(null)).count).toBe(0);
  });

  test("cannot be cancelled when it was waited for", async () => {
    const gateway = await open({ upstream: script });
    const { id } = await created(gateway, { input: "one" });
    const response = await gateway.send(`${PATH}/${id}/cancel`, { method: "POST" });
    expect([response.status, (await readJson(response)).error.message]).toEqual([
      400,
      "Cannot cancel a synchronous response.",
    ]);
  });
});
