// Looks into the ledger's file whenever a provider is called: by then the call must have been announced there, durably. Knows no route.

import { Database } from "bun:sqlite";
import type { Connect } from "../src/gateway/index.ts";
import type { Config } from "../src/config/value.ts";

export interface IntentWatch {
  check(url: string): void;
  /** `connect`, with a look before. */
  watch(connect: Connect): Connect;
  /** Addresses that were called before it was on the books. */
  close(): string[];
}

/** What costs nothing and has no row: questions about an answer that a provider keeps or that is over, and counts that we ask for ourselves. */
const FREE = /\/responses\/[^/]+(?:\/(?:cancel|input_items))?(?:\?|$)|\/generation\?id=|count_?tokens|\/input_tokens/iu;

/** Measurements go without it: a look costs more than what is measured. */
export function watchIntents({ environment, identityPath, ledgerPath, outboxPath }: Config): IntentWatch {
  const isDsn = (path: string): boolean => path.startsWith("postgres");
  const isShipped = isDsn(ledgerPath) || isDsn(identityPath);
  const file = new Database(isShipped ? outboxPath : ledgerPath, { readonly: true });
  const count = file.prepare<{ open: number }, []>("select count(*) as open from ledger_intents");
  const unannounced: string[] = [];
  const check = (url: string): void => {
    if (environment !== "bench" && !FREE.test(url) && count.get()?.open === 0) unannounced.push(url);
  };
  return {
    check,
    watch: (connect) => (url, options) => {
      check(url);
      return connect(url, options);
    },
    close() {
      count.finalize();
      file.close();
      return unannounced;
    },
  };
}
