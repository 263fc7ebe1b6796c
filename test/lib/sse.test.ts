// The frame splitter against an independent parser, with every way of cutting and every line end.

import { expect, test } from "bun:test";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { type Frame, createFrameSplitter, formatFrame } from "../../src/lib/sse.ts";

function split(chunks: string[]): Frame[] {
  const splitter = createFrameSplitter();
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

function cut(text: string, places: number[]): string[] {
  const edges = [
    0,
    ...places.map((place) => place % (text.length + 1)).sort((left, right) => left - right),
    text.length,
  ];
  return edges.slice(1).map((edge, index) => text.slice(edges[index], edge));
}

/** What the other parser sees; the blank line at the end gives it the unfinished frame, which we give at `end`. */
function parseElsewhere(text: string): { event: string | null; data: string }[] {
  const events: { event: string | null; data: string }[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => events.push({ event: event === undefined || event === "" ? null : event, data }),
  });
  parser.feed(`${text}\n\n`);
  return events;
}

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const line = fc.oneof(
  fc.constantFrom(
    "",
    "",
    "data",
    "data:",
    "data: ",
    "data:  two",
    "event: x",
    "event:",
    ": hello",
    ":",
    "id: 7",
    "retry: 10",
    "what: no",
  ),
  fc.string({ maxLength: 6 }).map((text) => `data: ${text.replace(/[\r\n]/g, "")}`),
  fc.constantFrom(
    'data:{"a":[1,"ü😀"]}',
    "data: [DONE]",
    "event:message_stop",
    "data: \uFEFFx",
    "datax: 1",
    " data: 1",
  ),
);
const stream = fc
  .tuple(fc.constantFrom("", "\uFEFF"), fc.array(fc.tuple(line, lineEnd)), line)
  .map(([mark, lines, rest]) => mark + lines.map(([text, end]) => text + end).join("") + rest);

test("any stream, cut anywhere: raw joins to the input, and event and data are what another parser sees", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
      const frames = split(cut(text, places));
      expect(frames.map((frame) => frame.raw).join("")).toBe(text);
      expect(frames).toEqual(split([text]));
      const seen = frames.flatMap(({ event, data }) => (data === null ? [] : [{ event, data }]));
      expect(seen).toEqual(parseElsewhere(text));
    }),
    { numRuns: 3000 },
  );
});

test("a frame comes out as soon as its blank line is there", () => {
  const splitter = createFrameSplitter();
  expect(splitter.push("data: 1\n")).toEqual([]);
  expect(splitter.push("\nda")).toEqual([{ raw: "data: 1\n\n", event: null, data: "1" }]);
  expect(splitter.push("ta: 2\r\n\r")).toEqual([]);
  expect(splitter.push("\n")).toEqual([{ raw: "data: 2\r\n\r\n", event: null, data: "2" }]);
  expect(splitter.push("event: e\rdata: 3\r\r")).toEqual([]);
  expect(splitter.push(": ping\n\n")).toEqual([
    { raw: "event: e\rdata: 3\r\r", event: "e", data: "3" },
    { raw: ": ping\n\n", event: null, data: null },
  ]);
  expect(splitter.end()).toEqual([]);
});

test("an unfinished last frame is given at the end", () => {
  expect(split(["data: 1\n\ndata: half"])).toEqual([
    { raw: "data: 1\n\n", event: null, data: "1" },
    { raw: "data: half", event: null, data: "half" },
  ]);
  expect(split([""])).toEqual([]);
});

test("one frame in a hundred thousand small pieces is searched once", () => {
  const splitter = createFrameSplitter();
  const started = performance.now();
  splitter.push("data: ");
  for (let index = 0; index < 100_000; index++) expect(splitter.push("0123456789").length).toBe(0);
  const [frame] = splitter.push("\n\n");
  expect(frame?.data?.length).toBe(1_000_000);
  // Searching the whole buffer anew for each piece takes minutes.
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("formatFrame is read back as it was", () => {
  fc.assert(
    fc.property(fc.string(), fc.option(fc.stringMatching(/^[a-z_]{1,9}$/), { nil: undefined }), (data, event) => {
      const frames = split([formatFrame(data, event)]);
      expect(frames.length).toBe(1);
      expect(frames[0]?.data).toBe(data.replace(/\r\n|\r/g, "\n"));
      expect(frames[0]?.event).toBe(event ?? null);
    }),
  );
  expect(formatFrame("a\nb", "x")).toBe("event: x\ndata: a\ndata: b\n\n");
});
