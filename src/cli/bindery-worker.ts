// Binds rows in a thread of its own: sealing and inserting cost the thread of requests nothing. Knows no SQL.

import { BOOK_RULES } from "../ledger/index.ts";
import { yieldToOthers } from "../lib/thread-priority.ts";
import { serveBindery } from "../store/bindery-serve.ts";

declare const self: Worker;

// Its share is enough to keep up: what waits for it grows no further than a few rows.
yieldToOthers(5);
serveBindery(self, BOOK_RULES);
