// The Redis that gateways share, where there is one: whether it answers, and quickly enough to be asked by every request.

import { glanceAtRedis } from "../../store/redis/glance.ts";
import { DEADLINE_MS } from "../../store/redis/limit.ts";
import { type Check, type Finding, describe, note, ok, warning } from "./finding.ts";

export const checkRedis: Check = async (exam) => {
  const { redisUrl: url } = exam.config;
  if (url === null) return [ok("redis_url", "is not set: this gateway shares nothing with others")];
  const place = `Redis at ${URL.parse(url)?.host ?? "the address of redis_url"}`;
  let facts: Awaited<ReturnType<typeof glanceAtRedis>>;
  try {
    facts = await glanceAtRedis(url);
  } catch (error) {
    return [
      warning(place, {
        found: `cannot be reached: ${exam.clean(describe(error))}`,
        why: "Gateways go on, each by what it knows itself: rate limits are counted by each one alone.",
        remedy: "Start it, or correct redis_url: host, port, password, and rediss:// for TLS.",
      }),
    ];
  }
  const { version, latencyMs, skewMs, eviction } = facts;
  exam.sawClock({ whose: place, skewMs });
  const findings: Finding[] = [
    ok(place, `${version === null ? "answers" : `version ${version}, answers`} in ${latencyMs} ms`),
  ];
  if (latencyMs > DEADLINE_MS)
    findings.push(
      warning(place, {
        found: `takes ${latencyMs} ms to answer`,
        why: `Where it takes longer than ${DEADLINE_MS} ms, requests go on without it, and rate limits are counted by each gateway alone.`,
        remedy: "Let it run nearer to the gateways.",
      }),
    );
  if (eviction !== null && eviction.startsWith("allkeys"))
    findings.push(
      note(place, {
        found: `throws away anything when it is full (maxmemory-policy ${eviction})`,
        why: "Counts of rate limits may be among it, and begin anew.",
        remedy: "Use one of its own for the gateways, or maxmemory-policy volatile-ttl.",
      }),
    );
  return findings;
};
