// Looks into the ledger's journal whenever a provider is called: by then the call must have been announced there, durably. Knows no route.

import type { Connect } from "../src/gateway/index.ts";
import type { Config } from "../src/config/value.ts";
import { BOOK_RULES } from "../src/ledger/index.ts";
import { findOpenIntents } from "../src/store/journal/cursor.ts";
import { listSlots } from "../src/store/journal/disk.ts";

export interface IntentWatch {
  check(url: string): void;
  /** `connect`, with a look before. */
  watch(connect: Connect): Connect;
  /** Addresses that were called before it was on the books. */
  close(): string[];
}

/** What costs nothing and has no row: questions about an answer or an object that a provider keeps or that is over, and counts that we ask for ourselves. */
const FREE =
  /\/responses\/[^/]+(?:\/(?:cancel|input_items))?(?:\?|$)|\/(?:batches|jobs|videos)\/[^/?]+$|\/generation\?id=|count_?tokens|\/input_tokens/iu;

/** Measurements go without it: a look costs more than what is measured. */
export function watchIntents({ environment, identityPath, ledgerPath, outboxPath }: Config): IntentWatch {
  const isDsn = (path: string): boolean => path.startsWith("postgres");
  const isShipped = isDsn(ledgerPath) || isDsn(identityPath);
  const location = isShipped ? outboxPath : ledgerPath;
  const isAnnounced = (): boolean =>
    listSlots(location).some((slot) => findOpenIntents({ location, slot, rules: BOOK_RULES }, 0).length > 0);
  const unannounced: string[] = [];
  const check = (url: string): void => {
    if (environment !== "bench" && !FREE.test(url) && !isAnnounced()) unannounced.push(url);
  };
  return {
    check,
    watch: (connect) => (url, options) => {
      check(url);
      return connect(url, options);
    },
    close: () => unannounced,
  };
}
