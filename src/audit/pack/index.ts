// The door of this part of the room: packs are made and checked here. Knows no SQL and no command line.

export type { About, AboutKind, PackBooks, Selection, Span } from "./books.ts";
export type { Manifest } from "./layout.ts";
export type { PriceUse } from "./summary.ts";
export type { PackFile } from "./unpack.ts";
export { type Verdict as PackVerdict, verifyPack } from "./verify.ts";
export { type PackInit, type Packed, writePack } from "./write.ts";
