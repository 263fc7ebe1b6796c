// Prices that vendors' own pages give otherwise than the bundled list does, in that list's form: above it, and below whatever the operator
// supplies. Data alone; each was read on the day that its source says.

/** Beijing's public holidays, on which no hour is a peak. Weekends are none either. */
const HOLIDAYS = ["2026-09-25", "2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07", "2027-01-01"];

const WEEKDAYS = [1, 2, 3, 4, 5];

interface Rates {
  input_mtok: number;
  cache_read_mtok: number;
  output_mtok: number;
}

const PEAKS = [
  { start_time: "01:00:00Z", end_time: "04:00:00Z" },
  { start_time: "06:00:00Z", end_time: "10:00:00Z" },
];

/** From a day on, twice as much in the peak hours: of every day, or of working days alone. */
function since(day: string, off: Rates, days: { days: readonly number[]; except: readonly string[] } | null) {
  const peak: Rates = {
    input_mtok: off.input_mtok * 2,
    cache_read_mtok: off.cache_read_mtok * 2,
    output_mtok: off.output_mtok * 2,
  };
  return [
    { constraint: { start_date: day }, prices: { ...off } },
    ...PEAKS.map((hours) => ({ constraint: { ...hours, ...days }, prices: { ...peak } })),
  ];
}

const WORKING = { days: WEEKDAYS, except: HOLIDAYS };
const FLASH: Rates = { input_mtok: 0.15, cache_read_mtok: 0.003, output_mtok: 0.6 };
const PRO: Rates = { input_mtok: 0.66, cache_read_mtok: 0.022, output_mtok: 1.98 };

/** https://api-docs.deepseek.com/quick_start/pricing: the small model became cheaper on 2026-09-10, and peaks are those of working days. */
const DEEPSEEK = {
  id: "deepseek",
  api_pattern: String.raw`https://api\.deepseek\.com`,
  models: [
    { id: "deepseek-flash", match: { equals: "deepseek-flash" }, prices: since("2026-09-10", FLASH, WORKING) },
    {
      id: "deepseek-v4-flash",
      match: { starts_with: "deepseek-v4-flash" },
      prices: [
        { prices: { input_mtok: 0.14, cache_read_mtok: 0.0028, output_mtok: 0.28 } },
        ...since("2026-08-17", { input_mtok: 0.22, cache_read_mtok: 0.007, output_mtok: 0.66 }, null),
        ...since("2026-09-10", FLASH, WORKING),
      ],
    },
    {
      id: "deepseek-v4-pro",
      match: { starts_with: "deepseek-v4-pro" },
      prices: [
        { prices: { input_mtok: 0.435, cache_read_mtok: 0.003_625, output_mtok: 0.87 } },
        ...since("2026-08-17", PRO, null),
        ...since("2026-09-10", PRO, WORKING),
      ],
    },
  ],
};

/** One price for the whole of a request, by the length of its prompt. */
const tiered = (base: number, start: number, price: number) => ({ base, tiers: [{ start, price }] });

const SONNET = { input_mtok: 2, cache_read_mtok: 0.2, cache_write_mtok: 2.5, output_mtok: 10, web_searches_kcount: 10 };

/** https://platform.claude.com/docs/en/about-claude/pricing: what came after the list was made. */
const ANTHROPIC = {
  id: "anthropic",
  api_pattern: String.raw`https://api\.anthropic\.com`,
  models: [
    {
      id: "claude-haiku-5-5",
      match: { starts_with: "claude-haiku-5-5" },
      prices: {
        input_mtok: tiered(0.1, 100_000, 0.5),
        cache_read_mtok: tiered(0.01, 100_000, 0.05),
        cache_write_mtok: tiered(0.125, 100_000, 0.625),
        output_mtok: tiered(0.5, 100_000, 2.5),
        web_searches_kcount: 10,
      },
    },
    {
      id: "claude-sonnet-5-5",
      match: { starts_with: "claude-sonnet-5-5" },
      prices: [
        { prices: SONNET },
        {
          constraint: { start_date: "2026-10-07" },
          prices: { ...SONNET, cache_read_mtok: 0.1 },
        },
      ],
    },
  ],
};

/** https://developers.openai.com/api/docs/models/gpt-6.1-sol, which came after the list was made. */
const OPENAI = {
  id: "openai",
  api_pattern: String.raw`https://api\.openai\.com`,
  models: [
    {
      id: "gpt-6.1-sol",
      match: { starts_with: "gpt-6.1-sol" },
      prices: {
        input_mtok: tiered(2, 272_000, 4),
        cache_read_mtok: tiered(0.1, 272_000, 0.2),
        cache_write_mtok: tiered(2.5, 272_000, 5),
        output_mtok: tiered(10, 272_000, 15),
        storage_searches_kcount: 2.5,
        web_searches_kcount: 10,
      },
    },
  ],
};

export const PRICE_CORRECTIONS = {
  /** On the rows that they price. */
  source: "vendor-pages@2026-11-25",
  date: "2026-11-25",
  vendors: [ANTHROPIC, DEEPSEEK, OPENAI],
};
