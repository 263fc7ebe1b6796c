// Which characters nobody sees, which of them are at home where they stand, and how they are shown.

import { describe, expect, test } from "bun:test";
import { findUnseen, showUnseen } from "../../src/lib/unseen.ts";

describe("what nobody sees", () => {
  const codes = [
    0x0000, 0x0007, 0x000a, 0x007f, 0x0085, 0x00ad, 0x034f, 0x061c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e,
    0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0x206f,
    0x2800, 0x3164, 0xd800, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xe0001, 0xe0020, 0xe0041, 0xe007f, 0xe0100,
  ];
  test.each(codes.map((code) => [`U+${code.toString(16).toUpperCase().padStart(4, "0")}`, code] as const))(
    "%s is found, and shown",
    (name, code) => {
      const text = `ad${String.fromCodePoint(code)}min`;
      expect(findUnseen(text)).toBe(name);
      expect(showUnseen(text)).toBe("ad\uFFFDmin");
    },
  );
});

test.each([
  "",
  "admin",
  "Zoë Müller-Łukasz",
  "王小明",
  "אבג",
  "می\u200Cخواهم",
  "क्\u200Dष",
  "👩🏽\u200D🚀",
  "👨\u200D👩\u200D👧",
  "❤\uFE0F",
  "1\uFE0F\u20E3",
])("%j is as it looks", (text) => {
  expect([findUnseen(text), showUnseen(text)]).toEqual([null, text]);
});
