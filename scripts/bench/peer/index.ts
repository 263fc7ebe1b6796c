// Who can take part. A new one: one file, one line here. `direct` is nobody: the provider itself, which all are held against.

import { buildGateway, buildLedgerless } from "../run/build.ts";
import { bunProxy } from "./bun-proxy.ts";
import { haproxy } from "./haproxy.ts";
import { nginx } from "./nginx.ts";
import { makePortkey } from "./portkey.ts";
import { makeTokligence } from "./tokligence.ts";
import type { Peer } from "./type.ts";

const BOOKS = { executable: buildGateway, engine: "sqlite", keepsBooks: true } as const;

export const PEERS: Readonly<Record<string, Peer>> = {
  "bun-proxy": bunProxy,
  haproxy,
  nginx,
  portkey: makePortkey("node"),
  "portkey-bun": makePortkey("bun"),
  tokligence: makeTokligence({ ...BOOKS, about: "as installed", settings: [] }),
  "tokligence-disk": makeTokligence({
    ...BOOKS,
    about: "ledger_durability = disk",
    settings: ["ledger_durability = disk"],
  }),
  "tokligence-no-ledger": makeTokligence({
    ...BOOKS,
    about: "built without books, for comparison",
    executable: buildLedgerless,
    settings: ["recount = off"],
    keepsBooks: false,
  }),
  "tokligence-no-recount": makeTokligence({ ...BOOKS, about: "recount = off", settings: ["recount = off"] }),
  "tokligence-postgres": makeTokligence({
    ...BOOKS,
    about: "people and books in PostgreSQL",
    settings: [],
    engine: "postgres",
  }),
  "tokligence-postgres-disk": makeTokligence({
    ...BOOKS,
    about: "the same, ledger_durability = disk",
    settings: ["ledger_durability = disk"],
    engine: "postgres",
  }),
};
