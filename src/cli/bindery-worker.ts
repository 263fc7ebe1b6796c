// Binds rows in a thread of its own: sealing and inserting cost the thread of requests nothing. Knows no SQL.

import { BOOK_RULES } from "../ledger/index.ts";
import { serveBindery } from "../store/bindery-serve.ts";

declare const self: Worker;

serveBindery(self, BOOK_RULES);
