// What a new configuration puts in force, and in which order.

import { expect, test } from "bun:test";
import { settle } from "../../src/cli/settle.ts";
import { loadConfig } from "../../src/config/index.ts";

test("workers and prices wait for no database that holds up the budgets", async () => {
  const { config } = await loadConfig({ cwd: "/", homedir: "/", env: {} });
  const done: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const settled = settle(config, config, {
    adopt: () => void done.push("adopt"),
    tellWorkers: () => void done.push("workers"),
    budgeting: { adopt: () => promise },
    prices: { adopt: async () => void done.push("prices") },
  });
  expect(done).toEqual(["adopt", "workers", "prices"]);
  resolve();
  await settled;
});
