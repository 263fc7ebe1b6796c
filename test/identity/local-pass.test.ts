// A pass is good for the one request that it was signed for, once and for moments, and to nobody without the key.

import { describe, expect, test } from "bun:test";
import { createPassGate, makeLocalKey, makePass, readLocalKey } from "../../src/identity/index.ts";

const KEY = makeLocalKey();
const HOLDER = { userId: "u1", name: "ana" };
const ASKED = { method: "GET", target: "/api/v1/admin/limits?limit=1000" };

const open = (pass: string, { at = 0, request = ASKED } = {}) => createPassGate(KEY, () => at).open(pass, request);

describe("a pass", () => {
  const pass = makePass(KEY, HOLDER, { ...ASKED, now: 0 });

  test("is good for its request, and tells whose it is", () => {
    expect(open(pass)).toEqual(HOLDER);
    expect(open(pass, { at: 29_999 })).toEqual(HOLDER);
  });

  test("is good once", () => {
    const gate = createPassGate(KEY, () => 0);
    expect(gate.open(pass, ASKED)).toEqual(HOLDER);
    expect(gate.open(pass, ASKED)).toBeNull();
  });

  test("is over soon, and not good from far ahead", () => {
    expect(open(pass, { at: 30_000 })).toBeNull();
    expect(open(makePass(KEY, HOLDER, { ...ASKED, now: 90_000 }))).toBeNull();
  });

  test("is good for nothing else", () => {
    expect(open(pass, { request: { ...ASKED, method: "POST" } })).toBeNull();
    expect(open(pass, { request: { ...ASKED, target: "/api/v1/admin/limits" } })).toBeNull();
  });

  test.each([
    ["nothing", ""],
    ["no signature", pass.split(".")[0] ?? ""],
    ["half a signature", pass.slice(0, -4)],
    ["another key's", makePass(makeLocalKey(), HOLDER, { ...ASKED, now: 0 })],
    [
      "another holder",
      `${Buffer.from('{"userId":"u2","until":1,"once":"x"}').toString("base64url")}.${pass.split(".")[1]}`,
    ],
    ["something long", "x".repeat(100_000)],
  ])("is refused: %s", (_, wrong) => {
    expect(open(wrong)).toBeNull();
  });
});

test("a key is 32 bytes", () => {
  expect(readLocalKey(`${KEY.toString("base64url")}\n`)).toEqual(KEY);
  for (const text of ["", "short", KEY.toString("base64url").slice(1)]) expect(readLocalKey(text)).toBeNull();
});
