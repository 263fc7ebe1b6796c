// What may be said of a budget, and what may be changed of one: each word is checked, and what is wrong is said. Knows no SQL and no HTTP.

import { GatewayError, checkAll, invalidRequest } from "../../ir/index.ts";
import type { Origin } from "../../lib/change.ts";
import { findUnseen, sayUnseen } from "../../lib/unseen.ts";
import { type Budget, type DraftBudget, MODES, PERIODS, SUBJECTS, UNITS, UNPRICED } from "./model.ts";
import type { BudgetChange, BudgetStore } from "./store.ts";
import { isTimeZone } from "./window.ts";

/** As people write it. What is left out has a default, or is not limited. */
export interface NewBudget {
  name: string;
  user?: string | null | undefined;
  apiKey?: string | null | undefined;
  provider?: string | null | undefined;
  model?: string | null | undefined;
  tag?: string | null | undefined;
  each?: string | null | undefined;
  /** In US dollars, as decimal text or a number; a budget is in dollars or in tokens. */
  limitUsd?: number | string | null | undefined;
  softLimitUsd?: number | string | null | undefined;
  limitTokens?: number | null | undefined;
  softLimitTokens?: number | null | undefined;
  period?: string | undefined;
  timeZone?: string | undefined;
  mode?: string | undefined;
  unpriced?: string | undefined;
  alertPercents?: readonly number[] | undefined;
}

export type ChangedBudget = Pick<
  NewBudget,
  "alertPercents" | "limitTokens" | "limitUsd" | "mode" | "softLimitTokens" | "softLimitUsd" | "unpriced"
> & { name?: string | undefined };

/** All failures are GatewayErrors: `invalid_request` (with `param`), `not_found`, `conflict`. `by`: who makes the change, for the record. */
export interface BudgetDirectory {
  create(budget: NewBudget, by?: Origin): Promise<Budget>;
  list(): Promise<Budget[]>;
  /** By id or name. */
  get(idOrName: string): Promise<Budget>;
  /** Only what is given is changed. Whom it concerns, its unit and its period stay: they are what its count is a count of. */
  update(idOrName: string, change: ChangedBudget, by?: Origin, look?: Look): Promise<Budget>;
  /** As it is then; one that is deleted already stays as it is. */
  delete(idOrName: string, by?: Origin, look?: Look): Promise<Budget>;
}

/** Of a change that is meant for one state alone: throws where the budget is in another one. Asked at the very moment of the write. */
type Look = (standing: Budget) => void;

interface DirectoryInit {
  store: Pick<BudgetStore, "create" | "delete" | "find" | "findGone" | "list" | "update">;
  /** Ids of those who are named; each rejects with `not_found`. */
  findUser: (idOrEmail: string) => Promise<string>;
  findKey: (id: string) => Promise<string>;
  now: () => number;
  newId: () => string;
}

/** A new budget whose words are in order; whom it concerns is still to be looked up. */
export type CheckedBudget = Omit<DraftBudget, "apiKeyId" | "createdAt" | "id" | "isDeclared" | "updatedAt" | "userId">;

/** Throws a GatewayError that names each word that does not hold. */
export function checkBudget(wanted: NewBudget): CheckedBudget {
  const { limits, ...checked } = checkAll({
    name: () => checkName(wanted.name),
    limits: () => readNewLimits(wanted),
    provider: () => checkWord(wanted.provider, "provider")?.toLowerCase() ?? null,
    model: () => checkWord(wanted.model, "model"),
    tag: () => checkWord(wanted.tag, "tag"),
    each: () => (isSaid(wanted.each) ? choose(SUBJECTS, wanted.each, "each") : null),
    period: () => choose(PERIODS, wanted.period ?? "month", "period"),
    timeZone: () => checkZone(wanted.timeZone ?? "UTC"),
    mode: () => choose(MODES, wanted.mode ?? "enforce", "mode"),
    unpriced: () => choose(UNPRICED, wanted.unpriced ?? "refuse", "unpriced"),
    alertPercents: () => checkPercents(wanted.alertPercents ?? DEFAULT_ALERTS),
  });
  return { ...checked, ...limits };
}

/** Likewise, of one that somebody makes. */
export function checkNewBudget(wanted: NewBudget): CheckedBudget {
  return checkAll({ blank: () => refuseBlank(wanted), budget: () => checkBudget(wanted) }).budget;
}

/** An empty word, such as of a variable that nobody has set, must not make a limit for everybody of one that was meant for somebody. */
function refuseBlank({ user, apiKey, provider, model, tag, each }: NewBudget): void {
  const said = Object.entries({ user, api_key_id: apiKey, provider, model, tag, each });
  const blank = said.filter(([, text]) => typeof text === "string" && text.trim() === "");
  const refuse = (param: string) => (): never => {
    throw invalidRequest(`${param} must not be empty; without it the budget is not narrowed by that.`, param);
  };
  checkAll(Object.fromEntries(blank.map(([param]) => [param, refuse(param)])));
}

function readNewLimits(wanted: NewBudget): Pick<CheckedBudget, "hardLimit" | "softLimit" | "unit"> {
  const { unit, hardLimit = null, softLimit = null } = readLimits(wanted);
  if (unit !== null && (hardLimit !== null || softLimit !== null)) return { unit, hardLimit, softLimit };
  throw invalidRequest("A budget needs a limit: in dollars, or in tokens; hard, soft or both.", "limit_usd");
}

const DEFAULT_ALERTS = [80, 100];

export function createBudgetDirectory({ store, findUser, findKey, now, newId }: DirectoryInit): BudgetDirectory {
  const get = async (idOrName: string): Promise<Budget> => {
    const budget = await store.find(idOrName.trim());
    if (budget === null) throw missing();
    return budget;
  };

  return {
    async create(wanted, by) {
      const at = new Date(now());
      const budget: DraftBudget = {
        ...checkNewBudget(wanted),
        id: newId(),
        userId: isSaid(wanted.user) ? await findUser(wanted.user) : null,
        apiKeyId: isSaid(wanted.apiKey) ? await findKey(wanted.apiKey) : null,
        isDeclared: false,
        createdAt: at,
        updatedAt: at,
      };
      return store.create(budget, by);
    },
    list: () => store.list(),
    get,
    async update(idOrName, wanted, by, look) {
      const budget = refuseDeclared(await get(idOrName), "change");
      const change = readChange(budget, wanted);
      if (Object.keys(change).length === 0) throw invalidRequest("There is nothing to change.");
      // What another says of the other limit in between counts, too.
      const changed = await store.update(budget.id, change, new Date(now()), by, (standing) => {
        look?.(standing);
        refuseDeclared(standing, "change");
        requireLimit({ ...standing, ...change });
      });
      if (changed === null) throw missing();
      return changed;
    },
    async delete(idOrName, by, look) {
      const name = idOrName.trim();
      const budget = await store.find(name);
      if (budget === null) return (await store.findGone(name)) ?? raise(missing());
      refuseDeclared(budget, "lift");
      await store.delete(budget.id, new Date(now()), by, (standing) => {
        look?.(standing);
        refuseDeclared(standing, "lift");
      });
      return (await store.findGone(budget.id)) ?? budget;
    },
  };
}

/** What a file says, only the file can change: the next start would bring it back. */
function refuseDeclared(budget: Budget, verb: string): Budget {
  if (!budget.isDeclared) return budget;
  const message = `The budget "${budget.name}" is declared in the gateway's configuration: ${verb} it in its section [budget.${budget.name}] there, and have it read again (a changed file is, at once).`;
  throw new GatewayError({ kind: "conflict", message, param: "id" });
}

/** `budget`: the one that is meant; its words alone are looked at where there is none. */
function readChange(budget: Pick<Budget, "unit"> | null, wanted: ChangedBudget): BudgetChange {
  const { name, mode, unpriced, alertPercents } = wanted;
  const { limits, ...change } = checkAll({
    name: name === undefined ? undefined : () => checkName(name),
    limits: () => readChangedLimits(budget, wanted),
    mode: mode === undefined ? undefined : () => choose(MODES, mode, "mode"),
    unpriced: unpriced === undefined ? undefined : () => choose(UNPRICED, unpriced, "unpriced"),
    alertPercents: alertPercents === undefined ? undefined : () => checkPercents(alertPercents),
  });
  return { ...change, ...limits };
}

function readChangedLimits(
  budget: Pick<Budget, "unit"> | null,
  wanted: ChangedBudget,
): Pick<BudgetChange, "hardLimit" | "softLimit"> {
  const { unit, ...limits } = readLimits(wanted);
  if (unit !== null && budget !== null && unit !== budget.unit)
    throw invalidRequest(`This budget is in ${budget.unit}; make another one for ${unit}.`, `limit_${unit}`);
  return limits;
}

function requireLimit({ hardLimit, softLimit, unit }: Pick<Budget, "hardLimit" | "softLimit" | "unit">): void {
  if (hardLimit === null && softLimit === null)
    throw invalidRequest("A budget needs a limit: hard, soft or both.", `limit_${unit}`);
}

/** Throws `invalid_request` with all that is wrong with the words of a change, whatever budget it is made to. */
export function checkBudgetChange(wanted: ChangedBudget): void {
  readChange(null, wanted);
}

interface Limits {
  unit: Budget["unit"] | null;
  /** Undefined where nothing is said. */
  hardLimit?: number | null;
  softLimit?: number | null;
}

function readLimits(wanted: Omit<ChangedBudget, "name">): Limits {
  const { limitUsd, softLimitUsd, limitTokens, softLimitTokens } = wanted;
  const saysUsd = limitUsd !== undefined || softLimitUsd !== undefined;
  const saysTokens = limitTokens !== undefined || softLimitTokens !== undefined;
  if (saysUsd && saysTokens)
    throw invalidRequest("A budget is in dollars or in tokens; make two for both.", "limit_tokens");
  if (saysUsd) {
    const limits = checkAll({
      hardLimit: limitUsd === undefined ? undefined : () => readUsd(limitUsd, "limit_usd"),
      softLimit: softLimitUsd === undefined ? undefined : () => readUsd(softLimitUsd, "soft_limit_usd"),
    });
    return { unit: UNITS[0], ...limits };
  }
  if (!saysTokens) return { unit: null };
  const limits = checkAll({
    hardLimit: limitTokens === undefined ? undefined : () => checkTokens(limitTokens, "limit_tokens"),
    softLimit: softLimitTokens === undefined ? undefined : () => checkTokens(softLimitTokens, "soft_limit_tokens"),
  });
  return { unit: UNITS[1], ...limits };
}

/** In nano-dollars a JavaScript number counts exactly up to nine million dollars. */
const MAX_USD = 9_000_000;

/** Nano-dollars, from decimal text without a detour over floating point. */
function readUsd(value: number | string | null, param: string): number | null {
  if (value === null) return null;
  const isNumber = typeof value === "number";
  const text = isNumber ? value.toFixed(9) : value.trim().replace(/^\$/u, "");
  const [, whole = "", fraction = ""] = /^(\d{1,7})(?:\.(\d+?)0*)?$/u.exec(text) ?? [];
  const nanos = Number(whole) * 1e9 + Number(fraction.padEnd(9, "0"));
  // What is too small to be kept must not become a limit of nothing, or another one than was said.
  const isTooFine = fraction.length > 9 || (isNumber && Number(text) !== value);
  if (whole !== "" && isTooFine)
    throw invalidRequest(`${param} has at most 9 decimals: 0.000000001 is the least that can be counted.`, param);
  if (whole === "" || nanos > MAX_USD * 1e9)
    throw invalidRequest(`${param} must be dollars from 0 to ${MAX_USD}, such as 25 or 0.50.`, param);
  return nanos;
}

function checkTokens(value: number | null, param: string): number | null {
  if (value === null) return null;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalidRequest(`${param} must be a whole number of tokens from 0 to ${Number.MAX_SAFE_INTEGER}.`, param);
}

const MAX_LENGTH = 200;

function checkName(text: string): string {
  const name = text.trim();
  if (name === "") throw invalidRequest("A budget needs a name.", "name");
  return checkWord(name, "name") ?? name;
}

function checkWord(text: string | null | undefined, param: string): string | null {
  const word = text?.trim() ?? "";
  if (word === "") return null;
  if (word.length > MAX_LENGTH) throw invalidRequest(`${param} has at most ${MAX_LENGTH} characters.`, param);
  const unseen = findUnseen(word);
  if (unseen !== null) throw invalidRequest(`${param} cannot hold ${sayUnseen(unseen)}.`, param);
  return word;
}

function checkZone(name: string): string {
  if (isTimeZone(name)) return name;
  throw invalidRequest(
    `There is no time zone "${name.slice(0, 60)}"; use a name such as UTC or Europe/Berlin.`,
    "time_zone",
  );
}

function checkPercents(percents: readonly number[]): number[] {
  const sorted = [...new Set(percents)].toSorted((left, right) => left - right);
  if (sorted.length <= 20 && sorted.every((percent) => Number.isInteger(percent) && percent >= 1 && percent <= 1000))
    return sorted;
  throw invalidRequest("alert_percents must be whole numbers from 1 to 1000, 20 at most.", "alert_percents");
}

function choose<const T extends string>(words: readonly T[], text: string, param: string): T {
  const found = words.find((word) => word === text.trim().toLowerCase());
  if (found !== undefined) return found;
  throw invalidRequest(`${param} must be one of ${words.join(", ")}.`, param);
}

function isSaid(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && text.trim() !== "";
}

function raise(error: GatewayError): never {
  throw error;
}

function missing(): GatewayError {
  return new GatewayError({ kind: "not_found", message: "There is no such budget." });
}
