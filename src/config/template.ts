// The files that `init` writes, made from the table of settings: every key with its line of explanation. Writes no disk.

import { SHORT_PRICE_NAMES } from "../ledger/index.ts";
import { BUDGET_SETTINGS } from "./budget.ts";
import { printIniEntry } from "./ini.ts";
import type { Group } from "./key.ts";
import { GROUPS, KEY_NAMES, describeKey, hasFileForm } from "./key.ts";
import { LIMIT_SETTINGS } from "./limit.ts";
import { PRICE_SETTINGS } from "./price.ts";
import { ROUTE_SETTINGS } from "./route.ts";
import { KINDS, type ProviderKindDefinition, listImplying } from "../provider/index.ts";
import { SHARED_FIELDS, DECLARABLE, describeField, nameVariable } from "./provider-key.ts";

/** Settings that are said rather than suggested, by key. A RangeError where a value does not fit on a line. */
export type Given = Readonly<Record<string, string>>;

const SETTING_GROUPS: readonly Group[] = [
  "start",
  "http",
  "identity",
  "oidc",
  "database",
  "ledger",
  "notice",
  "log",
  "upstream",
  "cache",
  "cap",
  "health",
  "recount",
];
const OVERLAY_GROUPS: readonly Group[] = ["provider", "routing"];

const RULES = `# Lines are key=value: the value is the rest of the line, without quotes; # and ; begin a comment only at the beginning
# of a line. Durations are written 250ms, 5s, 1h30m; sizes 16MiB. ~ is the home folder, and relative paths start at the
# working folder. What is commented out below shows the default, or an example.`;

/** config/setting.ini. Settings that are given but not in the table come last, for editions that know them. */
export function printSettingTemplate(given: Given): string {
  const strangers = Object.entries(given).filter(([name]) => !KEY_NAMES.some((key) => key === name));
  const parts = [
    `# Tokligence Gateway: settings for every environment.
#
# Later ones overrule: built-in defaults < this file < config/<environment>/gateway.ini < TOKLIGENCE_* variables < flags.
# Every key has a variable: log_level is TOKLIGENCE_LOG_LEVEL. \`config show --origin\` tells what is in effect and why.
#
${RULES}`,
    ...SETTING_GROUPS.map((group) => printGroup(group, given)),
  ];
  if (strangers.length > 0) {
    const lines = strangers.map(([name, value]) => printIniEntry(name, value));
    parts.push(`# --- Kept for the marketplace, which this version does not have ---\n\n${lines.join("\n")}`);
  }
  return `${parts.join("\n\n")}\n`;
}

/** config/<environment>/gateway.ini: what differs between environments, keys above all, so the file should be its owner's alone. */
export function printOverlayTemplate(environment: string, given: Given): string {
  const parts = [
    `# Tokligence Gateway: settings of the environment "${environment}", over those of ../setting.ini.
#
${RULES}
# Keys are better kept in files or variables: <key>_file and TOKLIGENCE_<KEY>_FILE name a file that holds the value.`,
    ...OVERLAY_GROUPS.map((group) => printGroup(group, given)),
    `# --- More providers, one section each; keys below a [section] belong to it ---
#
# A provider whose usual key is in the environment is there without a section, named like its type; so is one whose key stands
# above the first section, such as groq_api_key, or in TOKLIGENCE_GROQ_API_KEY. These are the types:
#
${printKinds()}`,
    printProviderExample("ollama"),
    ...[...KINDS]
      .filter(([, kind]) => Object.keys(kind.options).some((name) => name !== WIDESPREAD))
      .map(printKindExample),
    printPriceExample(),
    printBudgetExample(),
    printLimitExample(),
    printRouteExample(),
    `# --- Tokenizers of your own, one section each: with a model's tokenizer.json its text is counted exactly ---

# [tokenizer.llama]
# # Patterns of the models that it is for, separated by commas
# models=llama-3*, meta-llama/*
# # Its tokenizer.json
# file=tokenizers/llama-3.json
# # Each has a variable too, such as TOKLIGENCE_TOKENIZER_LLAMA_FILE`,
    `# --- Routes and aliases, one a line: exact, x*, *x or *x*; the most literal characters win, then the first ---

# [routes]
# llama*=ollama
# gpt-*=openai

# [aliases]
# quick=ollama/llama3.2
# clever=claude-opus`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function printGroup(group: Group, given: Given): string {
  const names = KEY_NAMES.filter((name) => describeKey(name).group === group);
  const entries = names.map((name) => {
    const key = describeKey(name);
    const variables = [...(key.env ?? []), ...(key.usual ?? [])];
    const also = [...(hasFileForm(key) ? [`${name}_file`] : []), ...variables];
    const about = `# ${key.about}${also.length === 0 ? "" : ` (also ${also.join(", ")})`}`;
    const value = given[name];
    const line = value === undefined ? `# ${name}=${key.fallback ?? key.example ?? ""}` : printIniEntry(name, value);
    return `${about}\n${line}`;
  });
  return [`# --- ${GROUPS[group]} ---`, ...entries].join("\n\n");
}

/** One line a type: name, usual variables, usual address. */
function printKinds(): string {
  const rows = DECLARABLE.map((name) => {
    const kind = KINDS.get(name);
    const variables = listImplying(kind ?? NO_KIND).map((set) => set.join("+"));
    return [name, variables.join(", "), kind?.baseUrl ?? "(base_url is needed)", kind?.about ?? ""];
  });
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `#   ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
    .join("\n");
}

/** An option that most types have, so that one example is enough. */
const WIDESPREAD = "formats";

const NO_KIND = { keyVariables: [] };

function printProviderExample(name: string): string {
  const fields = SHARED_FIELDS.toSorted((left, right) => Number(right === "type") - Number(left === "type"));
  const lines = fields.map((field) => `# # ${describeField(field).about}\n# ${field}=${describeField(field).example}`);
  const formats = KINDS.get(name)?.options[WIDESPREAD];
  return [
    `# [provider.${name}]`,
    ...lines,
    ...(formats === undefined ? [] : [`# # ${formats.about}\n# ${WIDESPREAD}=${formats.example}`]),
    `# # Any header for every call\n# header.x-title=Tokligence`,
    `# # Each has a variable too, such as ${nameVariable(name, "base_url")}`,
  ].join("\n");
}

function printPriceExample(): string {
  const lines = Object.entries(PRICE_SETTINGS).flatMap(([name, { about, example }]) => [
    `# # ${about}`,
    `# ${name}=${example}`,
  ]);
  return [
    "# --- Prices of your own, above every list: one section for each that was agreed ---",
    "",
    "# [price.contract]",
    ...lines,
    "# # US dollars for a million tokens of each kind, or for one of another unit by the price list's name for it; a kind without a",
    `# # price of its own costs what it is part of: ${SHORT_PRICE_NAMES.join(", ")}, request`,
    "# input=2.00",
    "# cache_read=0.20",
    "# output=8.00",
    "# # Beyond so many tokens of input, for all of them",
    "# output_above_200000=12.00",
  ].join("\n");
}

function printBudgetExample(): string {
  // A budget is in dollars or in tokens: two examples, for what is written here can be switched on as it stands.
  const print = (isWanted: (name: string) => boolean): string[] =>
    Object.entries(BUDGET_SETTINGS)
      .filter(([name]) => isWanted(name))
      .flatMap(([name, { about, example }]) => [`# # ${about}`, `# ${name}=${example}`]);
  const isOfTokens = (name: string): boolean => name.endsWith("_tokens");
  return [
    "# --- Budgets, one section each: made, changed and lifted as these files say, at the start and whenever they change ---",
    "",
    "# [budget.team]",
    ...print((name) => !isOfTokens(name)),
    "# # Each has a variable too, such as TOKLIGENCE_BUDGET_TEAM_LIMIT_USD",
    "",
    "# [budget.tokens]",
    ...print(isOfTokens),
  ].join("\n");
}

function printLimitExample(): string {
  const settings = Object.entries(LIMIT_SETTINGS).flatMap(([name, { about, example }]) => [
    `# # ${about}`,
    `# ${name}=${example}`,
  ]);
  return [
    "# --- Rate limits, one section each: calls beyond them are refused with status 429 and told when to come again ---",
    "",
    "# [limit.each-key]",
    ...settings,
    "# # Each has a variable too, such as TOKLIGENCE_LIMIT_EACH_KEY_CONCURRENT",
  ].join("\n");
}

function printRouteExample(): string {
  const settings = Object.entries(ROUTE_SETTINGS).flatMap(([name, { about, example }]) => [
    `# # ${about}`,
    `# ${name}=${example}`,
  ]);
  return [
    "# --- Routes with a name, one section each: of those for the same models the first whose conditions hold is taken ---",
    "",
    "# [route.fast]",
    ...settings,
    "# # Only requests with such a header; * stands for anything, ! excludes",
    "# header.x-team=research*",
    "# # Put into the body that every target is sent, in its own format",
    "# set.temperature=0",
  ].join("\n");
}

/** What a type has of its own. */
function printKindExample([name, kind]: readonly [string, ProviderKindDefinition]): string {
  const options = Object.entries(kind.options).filter(([option]) => option !== WIDESPREAD);
  const lines = options.map(([option, { about, example, fileVariables = [], secret, variables }]) => {
    const also = [...(secret === true ? [`${option}_file`] : []), ...variables, ...fileVariables];
    return `# # ${about}${also.length === 0 ? "" : ` (also ${also.join(", ")})`}\n# ${option}=${example}`;
  });
  const url = kind.baseUrl === null ? [`# base_url=${kind.exampleUrl ?? describeField("base_url").example}`] : [];
  return [`# [provider.my-${name}]`, `# type=${name}`, ...url, ...lines].join("\n");
}
