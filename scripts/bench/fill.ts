// Millions of plausible rows for a ledger, made by the database itself: 400 keys of 200 users of whom few ask for most, twelve models of four
// providers, tags, errors, corrections. The same every time. Knows no report.

export interface FillInit {
  engine: "postgres" | "sqlite";
  /** How many; the chain goes on from row `from`. */
  rows: number;
  from: number;
  chain: string;
  /** The rows are spread evenly over this stretch. */
  startMs: number;
  endMs: number;
  /** Of the whole ledger. */
  total: number;
}

/** One statement that writes `rows` rows. */
export function printFill({ engine, rows, from, chain, startMs, endMs, total }: FillInit): string {
  const isSqlite = engine === "sqlite";
  const stepMs = (endMs - startMs) / total;
  const series = isSqlite
    ? `with recursive made(n) as (select ${from} union all select n + 1 from made where n < ${from + rows - 1})`
    : `with made(n) as (select generate_series(${from}::bigint, ${from + rows - 1}::bigint))`;
  const atMs = isSqlite ? `cast(${startMs} + n * ${stepMs} as integer)` : `floor(${startMs} + n * ${stepMs})::bigint`;
  const moment = isSqlite ? "at_ms" : "to_timestamp(at_ms / 1000.0)";
  const hex = (value: string, digits: number): string =>
    isSqlite ? `printf('%0${digits}x', ${value})` : `lpad(to_hex(${value}), ${digits}, '0')`;
  const integer = isSqlite ? "integer" : "bigint";
  const bool = (value: 0 | 1): string => (isSqlite ? String(value) : `${value === 1}`);
  // Two pseudo-random numbers below 65,537, the second squared so that a few keys ask most.
  return `${series},
  dice as (select n, ${atMs} as at_ms, (n * 48271) % 65537 as a, (n * 16807 + 11) % 65537 as b from made),
  drawn as (select n, at_ms, a, cast(400.0 * b / 65537 * b / 65537 as ${integer}) as k from dice),
  shaped as (select n, at_ms, a, k, (k * 5 + (a % 3) / 2) % 12 as m,
    case when a % 53 = 0 then 429 when a % 211 = 0 then 500 else 200 end as status from drawn)
  insert into ledger_entries (id, chain, seq, hash, kind, corrects, reason, request_id, created_at, user_id, api_key_id, tags, endpoint,
    model_asked, model_served, provider, direction, fresh_input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    usage_source, status, error_kind, latency_ms, ttft_ms, streamed, cost_nanos, price_id, price_source, dropped, attempts, payload_digest)
  select ${hex("at_ms / 65536", 8)} || '-' || ${hex("at_ms % 65536", 4)} || '-7000-8000-' || ${hex("n", 12)},
    '${chain}', n + 1, '', case when a % 997 = 1 then 'correction' else 'call' end, case when a % 997 = 1 then 'x' end, case when a % 997 = 1 then 'reprice' end,
    'req-' || n, ${moment}, 'user-' || (k % 200), 'key-' || k, case when k % 4 > 0 then '["team=t' || (k % 20) || '","env=' || case when a % 10 = 0 then 'dev' else 'prod' end || '"]' end${isSqlite ? "" : "::jsonb"},
    case when m % 4 = 1 then 'messages' else 'chat.completions' end, 'model-' || m, 'model-' || m || '-2026-01-01', 'provider-' || (m % 4), 'consume',
    case when status = 200 then a % 4000 end, case when status = 200 then a % 9000 end, case when status = 200 then 0 end,
    case when status = 200 then a % 900 end, case when status = 200 then 0 end,
    case when status = 200 then 'provider' else 'none' end, status, case when status = 200 then null else 'upstream_rejected' end,
    200 + a % 3000, case when a % 2 = 0 then 50 + a % 400 end, ${bool(1)}, case when status = 200 then a * 137 end, 'vendor/model-' || m, 'genai-prices',
    '[]'${isSqlite ? "" : "::jsonb"}, '[]'${isSqlite ? "" : "::jsonb"}, 'digest'
  from shaped`;
}
