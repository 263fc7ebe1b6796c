// The price book of a configuration with everything behind it: bundled list, price file, its copy, the operator's own prices. Used by the
// server and by the commands; the one place where price files meet disk and network.

import { createHash } from "node:crypto";
import { mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Config, maskSource } from "../config/index.ts";
import { type PriceBook, type PriceLayer, createPriceBook } from "../ledger/index.ts";
import { type PriceFile, PriceFileError, readPriceFile } from "../ledger/price-file.ts";
import { type PriceKeeper, type PriceSource, createPriceKeeper } from "../ledger/price-keeper.ts";
import { systemClock } from "../lib/clock.ts";
import { loadBundledPrices } from "../ledger/price-list.ts";
import { readMarketFile } from "../ledger/price-market.ts";
import { PRICE_CORRECTIONS } from "../provider/index.ts";
import { makePriceRules } from "../server/index.ts";

export interface PriceDesk {
  book: PriceBook;
  keeper: PriceKeeper;
  /** Of what is bought as a marketplace's services. */
  market: PriceKeeper;
  /** All that is known beside the operator's own prices, the first first. */
  layers(): readonly PriceLayer[];
  /** Reads what can be had without the network: a file on this machine, or the copy of one that lies elsewhere. */
  open(): Promise<void>;
  /** From now on looks at the file again and again, and tells when there is something new in it. */
  watch(onAdopt: () => void): void;
  /** Puts another configuration in force, and looks at the files again; resolves once those on this machine are read. */
  adopt(config: Config): Promise<void>;
  /** Reads what another process has fetched. */
  follow(): Promise<void>;
  stop(): void;
}

/**
 * Nothing is read of a price file yet: `open` does. `isFollower`: another process of this gateway fetches what lies elsewhere, and what it fetched last is
 * read from its copy. `isLooking`: nothing is kept.
 */
export async function openPriceDesk(
  config: Config,
  onFault: (message: string, error: unknown) => void,
  isFollower = false,
  isLooking = isFollower,
): Promise<PriceDesk> {
  let current = config;
  const read = isFollower ? readFollowing(() => current.home) : readSource;
  let tell: () => void = () => undefined;
  const onChange = (): void => {
    book.adopt(makePriceRules(current, layers()));
    tell();
  };
  const keeper = createPriceKeeper({
    bundled: await loadBundledPrices(PRICE_CORRECTIONS),
    source: config.prices,
    read: read(PRICE_COPY),
    parse: readPriceFile,
    copy: keepCopy(() => placeCopy(current.home, PRICE_COPY), isLooking),
    onChange,
    onFault,
  });
  const findServices = (name: string): readonly string[] =>
    current.providers.find((provider) => provider.name === name)?.services ?? [];
  const market = createPriceKeeper({
    bundled: null,
    source: findMarket(config),
    read: read(MARKET_COPY),
    parse: async (file) => ({ ...readMarketFile(file, findServices), isSigned: false, date: null }),
    copy: keepCopy(() => placeCopy(current.home, MARKET_COPY), isLooking),
    onChange,
    onFault,
  });
  const keepers = [
    { keeper: market, copy: MARKET_COPY, file: () => current.prices.marketFile },
    { keeper, copy: PRICE_COPY, file: () => current.prices.file },
  ];
  const layers = (): readonly PriceLayer[] => [...market.layers(), ...keeper.layers()];
  const book = createPriceBook(makePriceRules(config, layers()));
  let cancel: () => void = () => undefined;
  let adopting: { near: Promise<void> } | null = null;
  const arm = (): void => {
    cancel();
    if (isFollower) return;
    cancel = systemClock.after(current.prices.refreshMs, () => void renewAll().then(arm));
  };
  type Kept = (typeof keepers)[number];
  /** What is fetched may be long in coming; of what another process fetches there is a copy here. */
  const isFar = (each: Kept): boolean => !isFollower && isRemote(each.file());
  const renew = async (all: readonly Kept[]): Promise<void> => {
    await Promise.all(
      all.map(async (each) => {
        const file = each.file();
        // Before it was fetched from there for the first time there is nothing to be read; whoever fetches it tells.
        if (isFollower && isRemote(file) && !(await hasCopy(placeCopy(current.home, each.copy), file))) return;
        await each.keeper.renew();
      }),
    );
  };
  const renewAll = (): Promise<void> => renew(keepers);
  return {
    book,
    keeper,
    market,
    layers,
    async open() {
      for (const each of keepers) {
        await each.keeper.recall();
        if (!isRemote(each.file())) await each.keeper.renew();
      }
    },
    watch(onAdopt) {
      tell = onAdopt;
      for (const each of keepers) if (isRemote(each.file())) void each.keeper.renew();
      arm();
    },
    adopt(next) {
      // Who puts a configuration in force and who sees to what it names both say so.
      if (adopting !== null && next === current) return adopting.near;
      current = next;
      keeper.point(next.prices);
      market.point(findMarket(next));
      book.adopt(makePriceRules(next, layers()));
      const far = renew(keepers.filter(isFar));
      const own = { near: renew(keepers.filter((each) => !isFar(each))) };
      adopting = own;
      void Promise.all([own.near, far]).then(() => {
        if (adopting === own) adopting = null;
        arm();
      });
      return own.near;
    },
    follow: renewAll,
    stop: () => cancel(),
  };
}

const PRICE_COPY = "price-list.json";
const MARKET_COPY = "market-prices.json";

/** A marketplace signs nothing: who can be reached by https:// alone needs not. */
function findMarket({ prices }: Config): PriceSource {
  return { file: prices.marketFile, publicKey: null };
}

function isRemote(location: string | null): location is string {
  return location !== null && /^https?:\/\//iu.test(location);
}

/** Far beyond any list. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_SIGNATURE_BYTES = 4_096;
const TIMEOUT_MS = 30_000;

type Read = (location: string, isSigned: boolean) => Promise<PriceFile>;

const readSource = (): Read => (location, isSigned) =>
  isRemote(location) ? fetchSource(location, isSigned) : readDisk(location, isSigned);

function readFollowing(home: () => string): (copy: string) => Read {
  return (copy) => async (location, isSigned) => {
    if (!isRemote(location)) return readDisk(location, isSigned);
    const kept = await loadCopy(placeCopy(home(), copy), location);
    if (kept === null) throw new PriceFileError(`No copy of ${maskSource(location)} is here yet.`);
    return { ...kept, location };
  };
}

async function readDisk(path: string, isSigned: boolean): Promise<PriceFile> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new PriceFileError(`There is no price file at ${path}.`);
  if (file.size > MAX_BYTES) throw new PriceFileError(`The price file at ${path} is longer than 64 MiB.`);
  const beside = Bun.file(`${path}.sig`);
  const signature = isSigned && (await beside.exists()) ? await beside.slice(0, MAX_SIGNATURE_BYTES).bytes() : null;
  return { location: path, bytes: await file.bytes(), signature, modifiedAt: new Date(file.lastModified) };
}

async function fetchSource(location: string, isSigned: boolean): Promise<PriceFile> {
  const found = await get(location);
  if (!found.ok)
    throw new PriceFileError(`The price file could not be fetched: ${maskSource(location)} answered ${found.status}.`);
  const modified = new Date(found.headers.get("last-modified") ?? "");
  const beside = isSigned ? await get(signatureOf(location)) : null;
  return {
    location,
    bytes: await readBody(found, MAX_BYTES),
    signature: beside?.ok === true ? await readBody(beside, MAX_SIGNATURE_BYTES) : null,
    modifiedAt: Number.isNaN(modified.getTime()) ? null : modified,
  };
}

/** The query stays behind the name. */
function signatureOf(location: string): string {
  const url = new URL(location);
  url.pathname += ".sig";
  return url.href;
}

/** As browsers have it. */
const MOST_HOPS = 20;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Follows redirects, as downloads need them, but not one step off encryption: whoever answers there says where to go on. */
async function get(url: string): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let at = url;
  for (let hops = 0; hops <= MOST_HOPS; hops++) {
    const found = await ask(at, signal, url);
    const location = REDIRECTS.includes(found.status) ? found.headers.get("location") : null;
    if (location === null) return found;
    void found.body?.cancel().catch(() => undefined);
    at = URL.parse(location, at)?.href ?? location;
    if (!isRemote(at))
      throw new PriceFileError(`The price file could not be fetched: ${maskSource(url)} leads nowhere.`);
    if (isEncrypted(url) && !isEncrypted(at)) {
      const said = `${maskSource(url)} leads from https:// to http://, where anybody on the way could change it`;
      throw new PriceFileError(`The price file could not be fetched: ${said}. Name the address that it leads to.`);
    }
  }
  throw new PriceFileError(`The price file could not be fetched: ${maskSource(url)} leads in circles.`);
}

async function ask(at: string, signal: AbortSignal, url: string): Promise<Response> {
  try {
    return await fetch(at, { signal, redirect: "manual" });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const masked = [url, at].reduce((text, each) => text.replaceAll(each, maskSource(each)), reason);
    throw new PriceFileError(`The price file could not be fetched: ${masked}`, { cause });
  }
}

function isEncrypted(url: string): boolean {
  return /^https:/iu.test(url);
}

async function readBody(response: Response, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > most) throw new PriceFileError("The price file is longer than a price file can be.");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

interface Copy {
  /** As a hash where it is an address, in which there may be a secret. */
  location: string;
  modifiedAt: string | null;
  bytes: string;
  signature: string | null;
}

function placeCopy(home: string, name: string): string {
  return join(home, name);
}

function keepCopy(place: () => string, isLooking: boolean): Parameters<typeof createPriceKeeper>[0]["copy"] {
  return {
    load: (location) => loadCopy(place(), location),
    save: async (file) => (isLooking ? undefined : saveCopy(place(), file)),
  };
}

async function loadCopy(path: string, location: string): Promise<PriceFile | null> {
  const file = Bun.file(path);
  if (!(await file.exists())) return null;
  // Written by `saveCopy`; whatever else stands there is no copy, and is told as such.
  const kept = (await file.json()) as Copy;
  if (kept.location !== markLocation(location)) return null;
  return {
    location,
    bytes: Buffer.from(kept.bytes, "base64"),
    signature: kept.signature === null ? null : Buffer.from(kept.signature, "base64"),
    modifiedAt: kept.modifiedAt === null ? null : new Date(kept.modifiedAt),
  };
}

/** One that cannot be read is there, too: whoever reads it tells what is wrong. */
function hasCopy(path: string, location: string): Promise<boolean> {
  return loadCopy(path, location).then(
    (kept) => kept !== null,
    () => true,
  );
}

/** Put in place whole, so that no start finds half of it. */
async function saveCopy(path: string, { location, bytes, signature, modifiedAt }: PriceFile): Promise<void> {
  const copy: Copy = {
    location: markLocation(location),
    modifiedAt: modifiedAt?.toISOString() ?? null,
    bytes: Buffer.from(bytes).toString("base64"),
    signature: signature === null ? null : Buffer.from(signature).toString("base64"),
  };
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.new`;
  await Bun.write(beside, JSON.stringify(copy), { mode: 0o600 });
  await rename(beside, path);
}

function markLocation(location: string): string {
  return isRemote(location) ? createHash("sha256").update(location).digest("hex") : location;
}
