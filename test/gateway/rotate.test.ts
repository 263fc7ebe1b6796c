// Two rotations of the key that credentials are encrypted with, one overtaking the other at every step: nothing is left that no key opens.

import { expect, test } from "bun:test";
import { openSecret, type SealedSecret, type SecretKeys, sealSecret } from "../../src/gateway/declared/secret.ts";
import { rotateSecrets } from "../../src/gateway/declared/rotate.ts";
import { makeSealKey } from "../../src/lib/seal.ts";

const FIELDS = ["api_key", "api_key.a", "api_key.b"];
/** Of the steps of a rotation that reach the store. */
const STEPS = Array.from({ length: 12 }, (_, step) => step);

async function makePlace() {
  let list = [makeSealKey()];
  const keys: SecretKeys = {
    list: () => [...list],
    current: () => list[0] ?? makeSealKey(),
    isOwn: () => true,
    begin() {
      const key = makeSealKey();
      list = [key, ...list];
      return key;
    },
    forgetBehind(id) {
      const at = list.findIndex((key) => key.id === id);
      if (at !== -1) list = list.slice(0, at + 1);
    },
  };
  const about = { provider: "groq", boundTo: "https://api.groq.com:443", setAt: new Date(0), setBy: "operator" };
  const rows = new Map<string, SealedSecret>();
  for (const field of FIELDS) rows.set(field, await sealSecret(keys.current(), `key of ${field}`, { ...about, field }));
  const store = {
    secrets: async (): Promise<SealedSecret[]> => [...rows.values()],
    async exchange(before: SealedSecret, after: SealedSecret): Promise<boolean> {
      if (rows.get(before.field)?.nonce !== before.nonce) return false;
      rows.set(before.field, after);
      return true;
    },
  };
  return { keys, rows, store };
}

const QUIETLY = { by: undefined, progress: () => undefined };

test.each(STEPS)("a rotation that is overtaken at its step %i by a whole one loses nothing", async (overtaken) => {
  const { keys, rows, store } = await makePlace();
  let steps = 0;
  const step = async (): Promise<void> => {
    if (steps++ === overtaken) await rotateSecrets({ store, keys }, QUIETLY);
  };
  // Before each step of the slow one, and between its question and the answer.
  const slow = {
    async secrets() {
      await step();
      const found = await store.secrets();
      await step();
      return found;
    },
    async exchange(...pair: [SealedSecret, SealedSecret]) {
      await step();
      return store.exchange(...pair);
    },
  };
  const { unreadable } = await rotateSecrets({ store: slow, keys }, QUIETLY);
  expect(unreadable).toEqual([]);
  const opened = await Promise.all([...rows.values()].map((row) => openSecret(keys.list(), row)));
  expect(opened.map(({ text }) => text)).toEqual(FIELDS.map((field) => `key of ${field}`));
});
