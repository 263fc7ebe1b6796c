// The door of the room's part that is about rate limits.
export { type Counters, type Figure, type Need, type Seen, type Verdict } from "./counters.ts";
export { type Limiting, type LimitingHand, type Spent, NO_TOKENS, type Wanted, openLimiting } from "./limiting.ts";
export { type RateLimits, createRateLimits } from "./limits.ts";
export { type MemoryCounters, createMemoryCounters } from "./memory-counters.ts";
export type { Limit, LimitFields, LimitRow, LimitStore, LimitSubject, LimitUnit } from "./model.ts";
