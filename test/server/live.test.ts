// What is declared while the gateway runs, on a database that comes and goes: what was known stays in force, and each outage is told with its end.

import { expect, test } from "bun:test";
import { createLive } from "../../src/server/live.ts";
import { createLog } from "../../src/telemetry/log.ts";

test("every outage of the database is told, and that it is over, whether anything changed meanwhile or not", async () => {
  const told: string[] = [];
  const log = createLog({
    level: "info",
    pretty: false,
    write: (line) => void told.push((JSON.parse(line) as { message: string }).message),
    keep: null,
    redact: (text) => text,
    now: () => new Date(0),
  });
  let isAway = false;
  let revision = 1;
  const live = createLive<string>({
    what: "Routes",
    store: {
      list: () => Promise.resolve([`v${revision}`]),
      revision: () => (isAway ? Promise.reject(new Error("connection refused")) : Promise.resolve(revision)),
    },
    clock: { after: () => () => undefined },
    log,
    adopt: () => undefined,
  });
  await live.refresh();
  for (const next of [1, 1, 2]) {
    isAway = true;
    await live.refresh();
    await live.refresh();
    expect(live.versions()).toEqual([`v${revision}`]);
    isAway = false;
    revision = next;
    await live.refresh();
    await live.refresh();
  }
  const away = "Routes cannot be read; those in memory stay in force";
  const back = "Routes can be read again";
  expect(told).toEqual([away, back, away, back, away, "Routes changed", back]);
  expect(live.versions()).toEqual(["v2"]);
});
