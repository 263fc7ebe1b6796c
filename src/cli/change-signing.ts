// Signs the record of changes of a running gateway, so that nobody can cut off its end unseen: heads lie in the database, beside the key and off
// the machine. Knows no rule of signing.

import type { ChangeChain } from "../audit/index.ts";
import type { Config } from "../config/index.ts";
import { type HeadReason, nameHead, type SigningKey } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Notifier } from "../notice/index.ts";
import type { ChangeStore } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import { placeChangeHeads } from "./admin/audit/head-file.ts";
import { type Anchors, createAnchors } from "./anchor.ts";
import { appendHead } from "./ledger/head-file.ts";

export interface ChangeSigning {
  /** Signs what is not signed yet, and nothing more after it. */
  stop(): Promise<void>;
}

interface ChangeSigningInit {
  changes: Pick<ChangeStore, "chains">;
  /** Why the ledger's database cannot be asked; null where it can. */
  missing: () => Error | null;
  config: Pick<Config, "ledger">;
  key: SigningKey;
  clock: Clock;
  notifier: Pick<Notifier, "deliver">;
  log: Log;
}

type Signer = Pick<ChangeSigningInit, "clock" | "config" | "key" | "log"> & { anchors: Anchors };

/** What was changed by others meanwhile, commands among them, is signed when it resolves. */
export async function startChangeSigning(init: ChangeSigningInit): Promise<ChangeSigning> {
  const { changes, missing, config, clock, notifier, log } = init;
  const about = { name: "changes", rows: "change", command: "tokligence admin audit verify" };
  const anchors = createAnchors({ config: config.ledger, notifier, clock, about });
  let isStopped = false;
  let callOff: () => void = () => undefined;
  let isFailing = false;

  const signAll = async (reason: HeadReason): Promise<void> => {
    try {
      for (const chain of changes.chains) {
        // It is signed once it is there: nobody waits for that.
        if (chain.place === "identity" || missing() === null) await signChain(chain, reason, { ...init, anchors });
      }
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.error("The record of changes could not be signed; it is tried again", { error });
      isFailing = true;
    }
  };
  let running = signAll("interval");

  const arm = (): void => {
    callOff = clock.after(config.ledger.signIntervalMs, () => {
      running = signAll("interval").then(() => {
        if (!isStopped) arm();
      });
    });
  };

  await running;
  arm();
  return {
    async stop() {
      isStopped = true;
      callOff();
      await running;
      await signAll("shutdown");
      anchors.flush();
    },
  };
}

/** Several gateways sign one chain: whoever comes first. */
async function signChain(
  chain: ChangeChain,
  reason: HeadReason,
  { config, key, clock, anchors, log }: Signer,
): Promise<void> {
  const newest = await chain.newestHead();
  const state = await chain.state();
  if (state === null || state.seq <= (newest?.seq ?? 0)) return;
  const { seq, hash } = state;
  const unsigned = { chain: state.chain, seq, hash, reason, previous: newest?.id ?? null };
  const head = key.sign({ ...unsigned, signedAt: new Date(clock.wallMs()) }, null);
  // In this order: one that is in the file and not in the database would be taken for a removed one.
  if (!(await chain.keepHead({ id: nameHead(head), ...head }))) return;
  anchors.put(head, null);
  const path = placeChangeHeads(config.ledger.keyFile);
  try {
    appendHead(path, head, null);
  } catch (error) {
    log.error("A signed head could not be written beside the key", { path, error });
  }
}
