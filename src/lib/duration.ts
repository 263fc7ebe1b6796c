// Lengths of time as people write them: `90s`, `1h30m`, `7d`. Knows no flag and no setting.

const UNIT_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  ms: 1,
  s: 1_000,
  w: 604_800_000,
};

/** Milliseconds; null where the text is no duration. A bare `0` is one. */
export function parseDuration(text: string): number | null {
  if (text === "0") return 0;
  const part = /(\d+(?:\.\d+)?)(ms|[smhdw])/gu;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/u.test(text)) return null;
  let total = 0;
  for (const [, count, unit] of text.matchAll(part)) total += Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
  return total;
}
