// Where threads begin, told from the places that the runtime makes up for files inside an executable: there is no other way to see a Windows one from here.

import { expect, test } from "bun:test";
import { pathToFileURL } from "node:url";
import { existsSync } from "node:fs";
import { WORKERS } from "../../scripts/compile.ts";
import { findWorker, isBuilt } from "../../src/lib/worker-place.ts";

test.each([
  ["/$bunfs/root/chunk-1.js", true],
  ["B:\\~BUN\\root\\chunk-1.js", true],
  ["B:/~BUN/root/tokligence", true],
  ["/home/a/$bunfs/chunk-1.js", false],
  ["C:\\src\\~BUN\\chunk-1.js", false],
])("%s is inside an executable: %p", (path, isInside) => {
  expect(isBuilt(path)).toBe(isInside);
});

test("each file of a thread is found beside the sources", () => {
  const places = WORKERS.map((file) => findWorker(file));
  expect(places.every((place) => existsSync(new URL(place)))).toBe(true);
  expect(places[0]).toBe(pathToFileURL(new URL(`../../${WORKERS[0]}`, import.meta.url).pathname).href);
});
