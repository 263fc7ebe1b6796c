// Sections that have names, such as `[price.NAME]`: which kinds there are, and which fields each takes. All kinds are gathered alike; knows no value.

import { BUDGET_FIELDS } from "./budget.ts";
import type { Setting } from "./gathered.ts";
import { LIMIT_FIELDS } from "./limit.ts";
import { PRICE_FIELDS, isPriceField } from "./price.ts";
import type { Origin } from "./problem.ts";
import { ROUTE_FIELDS, isRouteField, nameRouteField } from "./route.ts";
import { TOKENIZER_FIELDS } from "./tokenizer.ts";

interface SectionKind {
  /** Its fields, or the usual ones of them: all that can be suggested. */
  fields: readonly string[];
  /** Where there are more than can be listed. */
  isField?: (name: string) => boolean;
  /** A field as it is kept; in lower case where missing. */
  nameField?: (written: string) => string;
  /** Whether TOKLIGENCE_<KIND>_<NAME>_<FIELD> says a field, too. */
  hasVariables: boolean;
}

const SECTION_KINDS = {
  budget: { fields: BUDGET_FIELDS, hasVariables: true },
  limit: { fields: LIMIT_FIELDS, hasVariables: true },
  price: { fields: PRICE_FIELDS, isField: isPriceField, hasVariables: false },
  route: { fields: ROUTE_FIELDS, isField: isRouteField, nameField: nameRouteField, hasVariables: true },
  tokenizer: { fields: TOKENIZER_FIELDS, hasVariables: true },
} as const satisfies Record<string, SectionKind>;

export type SectionName = keyof typeof SECTION_KINDS;

export interface SectionId {
  kind: SectionName;
  name: string;
}

/** What was said in one section, wherever it stands. */
export interface SectionDraft {
  /** Where it was first heard of. */
  origin: Origin;
  fields: Map<string, Setting>;
}

/** By kind, then by name in order of declaration. */
export type SectionDrafts = Readonly<Record<SectionName, Map<string, SectionDraft>>>;

export const SECTION_NAMES = Object.keys(SECTION_KINDS) as readonly SectionName[];

export function createSections(): SectionDrafts {
  // Every kind of the table, and none beside it.
  return Object.fromEntries(SECTION_NAMES.map((kind) => [kind, new Map()])) as unknown as SectionDrafts;
}

export function describeSection(kind: SectionName): SectionKind {
  return SECTION_KINDS[kind];
}

export function isSectionField(kind: SectionName, field: string): boolean {
  const { fields, isField } = describeSection(kind);
  return isField === undefined ? fields.includes(field) : isField(field);
}
