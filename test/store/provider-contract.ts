// What every engine's store must do with providers that are declared while the gateway runs, and with their encrypted credentials. Part of the contract.

import { describe, expect, test } from "bun:test";
import type { ProviderVersion } from "../../src/gateway/index.ts";
import type { SealedSecret } from "../../src/gateway/declared/secret.ts";
import type { Store } from "../../src/store/index.ts";
import { AT, LATER } from "./sample.ts";

const make = (name: string, version: number, over: Partial<ProviderVersion> = {}): ProviderVersion => ({
  id: Bun.randomUUIDv7(),
  name,
  version,
  fields: { type: "compatible", base_url: "https://a.example.com/v1" },
  secrets: [{ field: "api_key", hint: "1234" }],
  comment: "naïve 🦊",
  author: "ada@example.com",
  authorId: "u1",
  createdAt: AT,
  ...over,
});

const lock = (provider: string, field: string, over: Partial<SealedSecret> = {}): SealedSecret => ({
  provider,
  field,
  boundTo: "https://a.example.com",
  keyId: "k1",
  nonce: "n1",
  ciphertext: `c-${provider}-${field}`,
  hint: "1234",
  setAt: AT,
  setBy: "ada@example.com",
  ...over,
});

const NONE = { put: [], drop: [] };

export function describeProviders(get: () => Store): void {
  describe("providers", () => {
    test("come back as they were written, the newest of each in the list, all of them in the history", async () => {
      const { providers } = get();
      const [one, two] = [
        make("p-b", 1),
        make("p-b", 2, { fields: null, secrets: [], comment: null, authorId: null, createdAt: LATER }),
      ];
      const other = make("p-a", 1, { fields: {} });
      const before = await providers.revision();
      for (const version of [one, two, other]) expect(await providers.add(version, NONE)).toBe(true);
      expect((await providers.list()).filter(({ name }) => name.startsWith("p-"))).toEqual([other, two]);
      expect(await providers.history("p-b")).toEqual([two, one]);
      expect(await providers.history("nobody\0")).toEqual([]);
      expect(await providers.revision()).toBe(before + 3);
    });

    test("have the credentials of their newest version, and none that was replaced", async () => {
      const { providers } = get();
      const [eu, us] = [lock("s-a", "api_key.eu"), lock("s-a", "api_key.us")];
      const foreign = lock("s-b", "api_key");
      await providers.add(make("s-a", 1), { put: [us, eu], drop: [] });
      await providers.add(make("s-b", 1), { put: [foreign], drop: [] });
      expect(await providers.secrets("s-a")).toEqual([eu, us]);
      const fresh = lock("s-a", "api_key.eu", { ciphertext: "other", boundTo: "https://b.example.com" });
      await providers.add(make("s-a", 2), { put: [fresh], drop: ["api_key.eu"] });
      expect(await providers.secrets("s-a")).toEqual([fresh, us]);
      await providers.add(make("s-a", 3, { fields: null }), { put: [], drop: ["api_key.eu", "api_key.us"] });
      expect(await providers.secrets("s-a")).toEqual([]);
      expect((await providers.secrets()).filter(({ provider }) => provider.startsWith("s-"))).toEqual([foreign]);
    });

    test("of several that are the next version at once one is taken, with its credential, and nothing moves for the others", async () => {
      const { providers } = get();
      const before = await providers.revision();
      const added = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          providers.add(make("race", 1), { put: [lock("race", "api_key", { ciphertext: `c${index}` })], drop: [] }),
        ),
      );
      expect(added.filter(Boolean)).toHaveLength(1);
      expect(await providers.history("race")).toHaveLength(1);
      expect(await providers.secrets("race")).toMatchObject([{ ciphertext: `c${added.indexOf(true)}` }]);
      expect(await providers.revision()).toBe(before + 1);
    });

    test("exchange a credential only where it is still as it was", async () => {
      const { providers } = get();
      const first = lock("x", "api_key");
      await providers.add(make("x", 1), { put: [first], drop: [] });
      const before = await providers.revision();
      const next = { ...first, keyId: "k2", nonce: "n2", ciphertext: "c2" };
      expect(await providers.exchange(first, next)).toBe(true);
      expect(await providers.exchange(first, { ...next, ciphertext: "c3" })).toBe(false);
      expect(await providers.secrets("x")).toEqual([next]);
      expect(await providers.revision()).toBe(before + 1);
    });

    test("and what is taken out of service move the same revision, so that one look a second finds both", async () => {
      const { providers, controls } = get();
      const before = await providers.revision();
      const place = { provider: "c", account: null, model: null };
      await controls.put({ ...place, action: "disable", sinceMs: AT.getTime(), by: "u" });
      expect(await providers.revision()).toBe(before + 1);
      await controls.remove([place]);
      expect(await providers.revision()).toBe(before + 2);
    });
  });
}
