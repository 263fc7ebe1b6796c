// Nothing that is asked for with a link, a mark or a session's cookie depends on how much of it is right: each is looked up, and compared, by a hash of all of
// it. Whoever guesses learns from no answer and from no time how near he came.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type IdentityStore, createKeyRing, createSignIn, hashToken } from "../../src/identity/index.ts";
import { type House, openHouse } from "./harness.ts";

const VISITOR = { userAgent: null, address: null };

let house: House;
/** What the rules ask the database, in order, with all that they tell it. */
let asked: string[];
let store: IdentityStore;
beforeEach(async () => {
  house = await openHouse();
  asked = [];
  store = new Proxy(house.store.identity, {
    get(identity, name: keyof IdentityStore) {
      const method = identity[name] as (...values: unknown[]) => unknown;
      return (...values: unknown[]) => {
        asked.push(`${name} ${JSON.stringify(values)}`);
        return method(...values);
      };
    },
  });
  await house.directory.createUser({ kind: "operator" }, { email: "ann@example.com" });
});
afterEach(() => house.close());

const signIn = () => createSignIn({ store, now: () => house.clock.now });

/** As long, right up to that place, and wrong there; then wrong from there on. */
function* spoil(token: string): Generator<string> {
  const other = (at: number): string => (token[at] === "A" ? "B" : "A");
  for (let at = 0; at < token.length; at++) yield token.slice(0, at) + other(at) + token.slice(at + 1);
  for (let at = 0; at < token.length; at++) yield token.slice(0, at) + other(at).repeat(token.length - at);
}

async function tell(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "done",
    (error: { kind?: string; code?: string; message?: string }) => [error.kind, error.code, error.message],
  );
}

describe("a link", () => {
  test("is asked for by the hash of all of it, once, and refused in the same words wherever it is wrong", async () => {
    const door = signIn();
    const { token } = await door.makeLink("ann@example.com", { kind: "hand-out", ttlMs: 60_000 });
    const refusals = new Set<string>();
    for (const guess of spoil(token)) {
      asked = [];
      refusals.add(
        JSON.stringify(await tell(door.redeem(guess, { browser: null, isConfirmed: false, visitor: VISITOR }))),
      );
      expect(asked).toEqual([`findLink ${JSON.stringify([hashToken(guess), new Date(house.clock.now)])}`]);
    }
    expect(refusals.size).toBe(1);
    // What is right in the end is told the database in no other way.
    asked = [];
    await door.redeem(token, { browser: null, isConfirmed: false, visitor: VISITOR });
    expect(asked.join("\n")).not.toContain(token.slice(0, 12));
  });

  test("of another browser is refused alike, however near its mark comes", async () => {
    const door = signIn();
    const mark = door.markBrowser();
    const { token } = (await door.askLink("ann@example.com", mark)) ?? { token: "" };
    const seen = new Set<string>();
    for (const browser of [...spoil(mark), "", mark.slice(1), `${mark}A`]) {
      asked = [];
      const said = await tell(door.redeem(token, { browser, isConfirmed: false, visitor: VISITOR }));
      seen.add(JSON.stringify([said, asked]));
    }
    expect(seen.size).toBe(1);
    expect([...seen].join()).toContain("other_browser");
    expect(await tell(door.redeem(token, { browser: mark, isConfirmed: false, visitor: VISITOR }))).toBe("done");
  });

  test("for an address that nobody has costs no question more than one look", async () => {
    const door = signIn();
    const questions = async (email: string): Promise<string> => {
      asked = [];
      await door.askLink(email, door.markBrowser());
      return asked.map((each) => each.split(" ", 1)[0]).join();
    };
    // The rest is done after everybody was answered, so that nobody can tell: see the tests of mail.
    expect([await questions("ann@example.com"), await questions("bo@example.com")]).toEqual([
      "findUserByEmail,createLink",
      "findUserByEmail",
    ]);
  });
});

test("a session is found in memory by the hash of all of its cookie, and nothing of it is kept that could be compared bit by bit", async () => {
  const door = signIn();
  const { token: link } = await door.makeLink("ann@example.com", { kind: "hand-out", ttlMs: 60_000 });
  const { token } = await door.redeem(link, { browser: null, isConfirmed: false, visitor: VISITOR });
  const ring = createKeyRing({
    store: {
      ...house.store.identity,
      async changes(revision) {
        const changes = await house.store.identity.changes(revision);
        expect(JSON.stringify(changes)).toContain(hashToken(token));
        expect(JSON.stringify(changes)).not.toContain(token.slice(0, 12));
        return changes;
      },
    },
    now: () => house.clock.now,
    onError(error) {
      throw error;
    },
  });
  await ring.load();
  for (const guess of spoil(token)) expect(ring.resolveSession(guess)).toBe("unknown");
  expect(ring.resolveSession(token)).toMatchObject({ email: "ann@example.com" });
});
