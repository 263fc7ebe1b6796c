// The scripts with which Redis counts rate limits: all of a call's limits in one step, so that of several gateways none sees half of it.
// Knows no limit by name.

/** Arguments of each key. */
export const ARGS_A_KEY = 5;
export const SLOT = "slot";
export const WINDOW = "window";

/**
 * KEYS: one a need; ARGV for each: `window`, amount, most, seconds, "" or `slot`, 1, most, milliseconds of its lease, its id.
 * Takes all or nothing; where nothing is wanted of a key, it stands in nobody's way. Answers for each: what is used (of those that stand in the way with what was wanted, of the others without where
 * nothing is taken), and the milliseconds until its window ends.
 */
export const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answers, isOver = {}, false
for i, key in ipairs(KEYS) do
  local at = (i - 1) * ${ARGS_A_KEY}
  local amount, most, span = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local used, left
  if ARGV[at + 1] == '${SLOT}' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used, left = redis.call('ZCARD', key), 0
  else
    left = redis.call('PTTL', key)
    used = left > 0 and math.max(0, tonumber(redis.call('GET', key)) or 0) or 0
    if left <= 0 then left = span * 1000 end
  end
  answers[i] = {used, left}
  if amount > 0 and used + amount > most then
    isOver = true
    answers[i][1] = used + amount
  end
end
if isOver then return answers end
for i, key in ipairs(KEYS) do
  local at = (i - 1) * ${ARGS_A_KEY}
  local amount, span = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 4])
  if ARGV[at + 1] == '${SLOT}' then
    redis.call('ZADD', key, now + span, ARGV[at + 5])
    redis.call('PEXPIRE', key, span)
  elseif redis.call('PTTL', key) > 0 then
    redis.call('INCRBY', key, amount)
  else
    redis.call('SET', key, amount, 'EX', span)
  end
  answers[i][1] = answers[i][1] + amount
end
return answers
`;

/**
 * KEYS: a window; ARGV: what is added, whatever the limit, its seconds, and the milliseconds that are left of it, where they are known. Nothing is given
 * back to a window that is not there, or to another one: two of them end a window's length apart.
 */
export const ADJUST = `
local by, left = tonumber(ARGV[1]), redis.call('PTTL', KEYS[1])
if by < 0 and left > 0 and ARGV[3] ~= '' and math.abs(left - ARGV[3]) > ARGV[2] * 500 then return 0 end
if left > 0 then
  if redis.call('INCRBY', KEYS[1], by) < 0 then redis.call('SET', KEYS[1], 0, 'KEEPTTL') end
elseif by > 0 then
  redis.call('SET', KEYS[1], by, 'PX', ARGV[3] ~= '' and ARGV[3] or ARGV[2] * 1000)
end
return 1
`;

/** KEYS: one a place that is held; ARGV: milliseconds of its lease, then an id for each. */
export const RENEW = `
local time = redis.call('TIME')
local untilMs = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, untilMs, ARGV[i + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
return 1
`;

/** KEYS: places; answers how many are held by the clock of Redis, by which they were leased. */
export const HELD = `
local time = redis.call('TIME')
return redis.call('ZCOUNT', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), '+inf')
`;
