// Providers that fail at random under load: nothing is lost that one of them could have served, and nothing is left behind.

import { expect, test } from "bun:test";
import { runChaos } from "./chaos.ts";

const seed = Number(process.env["TOKLIGENCE_SEED"] ?? Math.floor(Math.random() * 1e6));

test(`three providers in trouble (TOKLIGENCE_SEED=${seed})`, async () => {
  const report = await runChaos({ seed, seconds: 12, clients: 12 });
  expect({ seed, violations: report.violations }).toEqual({ seed, violations: [] });
  expect(report.outcomes.served).toBeGreaterThan(100);
  // It was no fair weather.
  expect(report.calls).toBeGreaterThan(report.requests);
}, 60_000);
