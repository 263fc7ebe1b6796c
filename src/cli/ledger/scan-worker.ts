// A thread that goes through stretches of chains. Knows only what it is asked.

import { CHAIN_RULES, type ChainReader, scanStretch, type Stretch } from "../../audit/verify/index.ts";
import { openChains } from "../../store/chain-reader.ts";

declare const self: Worker;

/** First; then stretches, one after another. */
export interface Hello {
  location: string;
}

export interface Job {
  number: number;
  stretch: Stretch;
}

export type Reply =
  | { number: number; rows: number }
  | { number: number; scan: Awaited<ReturnType<typeof scanStretch>> }
  | { number: number; error: string };

let reader: Promise<ChainReader> | null = null;

self.addEventListener("message", ({ data }: MessageEvent<Hello | Job>) => {
  if ("location" in data) reader = openChains(data.location, CHAIN_RULES);
  else void work(data);
});

async function work({ number, stretch }: Job): Promise<void> {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  const reply = (message: Reply): void => self.postMessage(message);
  try {
    if (reader === null) throw new Error("The thread was given no ledger.");
    reply({ number, scan: await scanStretch(await reader, stretch, (rows) => reply({ number, rows })) });
  } catch (error) {
    reply({ number, error: error instanceof Error ? error.message : String(error) });
  }
}
