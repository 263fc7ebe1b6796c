// This machine's clock, held against those of the databases and of the providers. Comes last, when they have been seen.

import { type Check, note, ok, warning } from "./finding.ts";

const SKEW_MS = 30_000;

export const checkClock: Check = async ({ sightings }) => {
  const all = sightings();
  if (all.length === 0) {
    return [
      note("clock", {
        found: "there is no other clock to hold this one against",
        why: "Sign-in links, sessions, keys' expiry and signed requests go by it.",
        remedy: "Let the machine set its clock by NTP.",
      }),
    ];
  }
  const off = all.filter(({ skewMs }) => Math.abs(skewMs) > SKEW_MS);
  if (off.length === 0) {
    const [widest] = all.toSorted((left, right) => Math.abs(right.skewMs) - Math.abs(left.skewMs));
    return [
      ok("clock", `agrees with ${all.length} other${all.length === 1 ? "" : "s"}, to ${print(widest?.skewMs ?? 0)}`),
    ];
  }
  const isOurs = off.length * 2 > all.length;
  return off.map(({ whose, skewMs }) =>
    warning("clock", {
      found: `${whose} is ${print(skewMs)} ${skewMs > 0 ? "ahead of" : "behind"} this machine`,
      why: isOurs
        ? "Sign-in links and keys expire at the wrong time, rows bear wrong times, and providers refuse signed requests."
        : "Others agree with this machine, so it is probably that clock that is wrong; times from there do not fit ours.",
      remedy: isOurs ? "Let this machine set its clock by NTP." : "Have that server set its clock by NTP.",
    }),
  );
};

function print(ms: number): string {
  const absolute = Math.abs(ms);
  return absolute < 1_000 ? `${absolute} ms` : `${Math.round(absolute / 1_000)} s`;
}
