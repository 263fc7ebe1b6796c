// The page of a pack for whoever has to decide on it: what was booked, what was counted, at which prices, and how to check it. One file without
// scripts, and nothing in it is fetched. Knows no archive.

import { formatUsd } from "../../ledger/index.ts";
import type { Manifest } from "./layout.ts";
import { type Figures, type Group, type PriceUse, type Summary, addUp, isCostKnown } from "./summary.ts";

/** A row of which the provider's figure is out of tolerance. */
export interface Flagged {
  at: Date;
  requestId: string;
  upstreamIds: string;
  model: string;
  verdict: string;
  booked: string;
  counted: string;
}

export interface PageInit {
  about: Pick<Manifest, "from" | "model" | "notes" | "providers" | "to">;
  fingerprint: string;
  summary: Summary;
  prices: readonly (PriceUse & { rates: string | null })[];
  flagged: readonly Flagged[];
  /** Flagged rows that the page has no room for; all are in the table. */
  moreFlagged: number;
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;margin:2rem auto;max-width:76rem;padding:0 1.5rem}
h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.2rem 0 .4rem}p{max-width:48rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.3rem .6rem;border-bottom:1px solid #d8dee6;text-align:right;vertical-align:top}
th{border-bottom:2px solid #8a97a8;font-weight:600}th:first-child,td:first-child,.text{text-align:left}
tfoot td{font-weight:600;border-top:2px solid #8a97a8;border-bottom:0}
.flag{color:#a4262c;font-weight:600}code{font-size:.85rem;overflow-wrap:anywhere}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem}
dt{color:#5a6675}dd{margin:0}@media print{body{margin:0;max-width:none}}
@media screen and (max-width:48rem){body{margin:1rem 0;padding:0 1rem}table{display:block;overflow-x:auto}dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}td code{overflow-wrap:normal}}`;

export function printPage(init: PageInit): string {
  const { about, fingerprint, summary, flagged } = init;
  const total = summary.total();
  const groups = summary.groups();
  const title = `Usage of ${about.providers.join(", ")}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p>From ${escape(about.from)} until before ${escape(about.to)}, UTC${about.model === null ? "" : `; model ${escape(about.model)}`}.
What the gateway of the customer put on record for each call, before it passed the answer on.</p>
${printSum(total)}
${about.notes.map((note) => `<p>${escape(note)}</p>`).join("\n")}
<h2>By model</h2>
${printGroups("Model", groups, ({ model }) => model)}
<h2>By day (UTC)</h2>
${printGroups("Day", groups, ({ day }) => day)}
<h2>By API key of the gateway</h2>
${printGroups("Key", groups, ({ key }) => key)}
<h2>Prices</h2>
<p>Each row names the price that it was booked at, the list that the price is from, and from when on it held.</p>
${printPrices(init.prices)}
<h2>Rows that are flagged</h2>
${printFlagged(flagged, init.moreFlagged)}
<h2>How tokens were counted again</h2>
${printMethods(summary)}
<h2>How to check this pack</h2>
<p>Every row is part of a chain: its hash covers all of its fields and the hash of the row before it. The ends of the chain are signed with the
gateway's key, and so is the list of the files of this pack. <code>tokligence audit verify pack.zip</code> checks all of it without a network;
README.txt says how to do it with common tools. The key must be known from elsewhere; its fingerprint is</p>
<p><code>${escape(fingerprint)}</code></p>
</body>
</html>
`;
}

function printSum(total: Figures): string {
  const facts: [string, string][] = [
    ["Calls", count(total.calls)],
    ["Corrections that were made to them later, counted in below", count(total.corrections)],
    ["Tokens of prompts, as booked", count(total.input)],
    ["of these, as the provider reported them itself", count(total.reportedInput)],
    ["Tokens produced, as booked", count(total.output)],
    ["of these, as the provider reported them itself", count(total.reportedOutput)],
    ["Calls that were counted again, independently", count(total.recounted)],
    [
      "Tokens of their prompts: booked, and counted",
      `${count(total.recountedInput)}; ${range(total.inputLow, total.inputHigh)}`,
    ],
    [
      "Tokens produced in them: booked, and counted",
      `${count(total.recountedOutput)}; ${range(total.outputLow, total.outputHigh)}`,
    ],
    ["Calls of which more was billed than was counted", count(total.over)],
    ["Calls of which less was billed than was counted", count(total.under)],
    ["Cost at the prices below, in US dollars", printCost(total)],
    ["Calls without a known price, which are not in the cost", count(total.unpriced)],
  ];
  return `<dl>${facts.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`).join("\n")}</dl>`;
}

function printGroups(head: string, groups: readonly (Figures & Group)[], nameOf: (group: Group) => string): string {
  const byName = new Map<string, Figures[]>();
  for (const group of groups) {
    const name = nameOf(group);
    const others = byName.get(name);
    if (others === undefined) byName.set(name, [group]);
    else others.push(group);
  }
  const rows = [...byName]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, figures]) => printFigures(name, addUp(figures)));
  const heads = [head, "Calls", "Tokens in", "Tokens out", "Counted in", "Counted out", "Flagged", "US dollars"];
  return `<table><thead><tr>${heads.map((text) => `<th>${text}</th>`).join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody>
<tfoot>${printFigures("Total", addUp(groups))}</tfoot></table>`;
}

function printFigures(name: string, figures: Figures): string {
  const flagged = figures.over + figures.under;
  const cells = [
    count(figures.calls),
    count(figures.input),
    count(figures.output),
    figures.recounted === 0 ? "–" : range(figures.inputLow, figures.inputHigh),
    figures.recounted === 0 ? "–" : range(figures.outputLow, figures.outputHigh),
    flagged === 0 ? "–" : `<span class="flag">${count(flagged)}</span>`,
    printCost(figures),
  ];
  return `<tr><td>${escape(name)}</td>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
}

function printCost(figures: Figures): string {
  return isCostKnown(figures) ? formatUsd(figures.cost) : "unknown";
}

function printPrices(prices: PageInit["prices"]): string {
  if (prices.length === 0) return "<p>No row of this pack has a price.</p>";
  const rows = prices.map(
    ({ id, source, date, tier, rates, calls, cost }) =>
      `<tr><td>${escape(id)}</td><td class="text">${escape(source)}</td><td class="text">${escape(date)}</td>` +
      `<td class="text">${escape(tier)}</td><td class="text">${escape(rates ?? "")}</td><td>${count(calls)}</td><td>${formatUsd(cost)}</td></tr>`,
  );
  return `<table><thead><tr><th>Price</th><th class="text">List</th><th class="text">Valid from</th><th class="text">Tier</th><th class="text">US dollars for a million tokens, or for one</th><th>Rows</th><th>US dollars</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function printFlagged(flagged: readonly Flagged[], more: number): string {
  if (flagged.length === 0) return "<p>No row that was counted again is out of tolerance.</p>";
  const rows = flagged.map(
    ({ at, requestId, upstreamIds, model, verdict, booked, counted }) =>
      `<tr><td>${at.toISOString()}</td><td class="text"><code>${escape(requestId)}</code></td><td class="text"><code>${escape(upstreamIds)}</code></td>` +
      `<td class="text">${escape(model)}</td><td class="flag">${escape(verdict)}</td><td>${escape(booked)}</td><td>${escape(counted)}</td></tr>`,
  );
  const rest = more === 0 ? "" : `<p>${count(more)} more are in recounts.csv.</p>`;
  return `<table><thead><tr><th>Arrived</th><th class="text">Request</th><th class="text">Provider's own id</th><th class="text">Model</th><th>Verdict</th><th>Booked in / out</th><th>Counted in / out</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>${rest}`;
}

function printMethods(summary: Summary): string {
  const methods = summary.methods();
  if (methods.length === 0) return "<p>No row of this pack was counted again.</p>";
  const rows = methods.map(
    ({ method, tokenizer, version, rows: number }) =>
      `<tr><td>${escape(method)}</td><td class="text">${escape(tokenizer)}</td><td class="text">${escape(version)}</td><td>${count(number)}</td></tr>`,
  );
  return `<p>The gateway counts on its own, from the text that went through it, which it does not keep. An <em>exact</em> count used the model's own
tokenizer; an <em>estimate</em> comes with bounds, and only a figure outside of them is flagged.</p>
<table><thead><tr><th>Method</th><th class="text">Tokenizer</th><th class="text">Version</th><th>Rows</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function count(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/gu, ",");
}

function range(low: number, high: number): string {
  return low === high ? count(low) : `${count(low)} to ${count(high)}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/gu, (char) => ENTITIES[char] ?? char);
}
