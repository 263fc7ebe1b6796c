// `admin identities …` on a database of its own: whose accounts at the identity provider are whose, and taken away.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
let userId: string;
beforeEach(async () => {
  desk = makeDesk();
  const { user } = await desk.read<{ user: { id: string } }>("admin users create --email ana@example.com");
  userId = user.id;
});
afterEach(() => desk.close());

async function connect(): Promise<string> {
  const id = Bun.randomUUIDv7();
  const at = new Date("2026-05-04T03:02:01.000Z");
  const account = { issuer: "https://login.example.com", subject: "ana-1", email: "ana@example.com" };
  await desk.withStore(({ identity }) =>
    identity.createIdentity({ id, userId, ...account, createdAt: at, lastUsedAt: at }),
  );
  return id;
}

test("list shows them, as a line and as JSON", async () => {
  const none = await desk.run("admin identities list --user ana@example.com");
  expect([none.code, none.out, none.err]).toEqual([EXIT.ok, "", expect.stringContaining("No account")]);
  const id = await connect();
  const line = `${id}  issuer=https://login.example.com subject=ana-1 email=ana@example.com last_used=2026-05-04T03:02:01.000Z\n`;
  expect((await desk.run("admin identities list --user ana@example.com")).out).toBe(line);
  expect(await desk.read(`admin identities list --user ${userId}`)).toMatchObject({
    identities: [{ id, user_id: userId, issuer: "https://login.example.com", subject: "ana-1" }],
  });
  expect((await desk.run("admin identities list --user nobody@example.com")).code).toBe(EXIT.notFound);
});

test("delete takes one away, once, and it is recorded who did", async () => {
  const id = await connect();
  const gone = await desk.run(`admin identities delete --id ${id}`);
  expect(gone.out).toBe(`Disconnected ana-1 of https://login.example.com from user ${userId}\n`);
  expect(await desk.read("admin identities list --user ana@example.com")).toEqual({ identities: [] });
  const again = await desk.run(`admin identities delete --id ${id}`);
  expect([again.code, again.out]).toEqual([EXIT.ok, `Account ${id} was disconnected before\n`]);
  expect(await desk.read(`admin identities delete --id ${id}`)).toEqual({ identity: null });
  expect((await desk.run("admin identities delete --id never-was")).code).toBe(EXIT.notFound);
  const { changes } = await desk.withStore((store) => store.changes.page({}, 1, null));
  expect(changes).toMatchObject([{ action: "identity.disconnect", actor: "operator", subjectId: id }]);
});
