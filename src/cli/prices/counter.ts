// What the commands about prices share: the book as the server would have it, and the providers, none of which is called.

import { type Config, loadConfig } from "../../config/index.ts";
import { systemClock } from "../../lib/clock.ts";
import { buildScene } from "../../server/index.ts";
import { readEffective } from "../effective.ts";
import { type ConfigFlags, toLoadOptions } from "../flags.ts";
import { say } from "../output.ts";
import { type PriceDesk, openPriceDesk } from "../price-desk.ts";

export interface Counter {
  config: Config;
  desk: PriceDesk;
  scene: ReturnType<typeof buildScene>;
}

export async function openCounter(flags: ConfigFlags): Promise<Counter> {
  const { config: declared, warnings } = await loadConfig(toLoadOptions(flags));
  for (const warning of warnings) say(`warning: ${warning}`);
  // Calls of providers that were declared while gateways run are booked at these prices, too.
  const config = await readEffective(declared);
  const desk = await openPriceDesk(config, (message, error) => {
    say(`warning: ${message}: ${error instanceof Error ? error.message : String(error)}`);
  });
  return { config, desk, scene: makeScene(config) };
}

/** Providers and routes without their lists of models. */
function makeScene(config: Config): ReturnType<typeof buildScene> {
  const quiet = (): void => undefined;
  const scene = buildScene(config, {
    fetch: () => Promise.reject(new Error("no provider is called here")),
    clock: systemClock,
    log: { debug: quiet, error: quiet, info: quiet, warn: quiet, setLevel: quiet },
  });
  scene.catalog.stop();
  return scene;
}
