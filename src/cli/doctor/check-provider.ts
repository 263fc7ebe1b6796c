// Every provider, with each of its keys: whether it can be called, and what to do where not. Asked for lists of models, which cost nothing; a model is asked
// for a token only where that was said.

import { lookupHost } from "../../lib/lookup.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Fetch } from "../../gateway/index.ts";
import type { Provider } from "../../provider/index.ts";
import {
  type KeyTrial,
  type StandingProvider,
  guardCalls,
  makeSceneProvider,
  testProvider,
} from "../../server/index.ts";
import { callOutside } from "../outside.ts";
import { type Check, type Exam, type Finding, type Fleet, failure, note, ok, warning } from "./finding.ts";

export const checkProviders: Check = async (exam) => {
  const fleet = await exam.fleet();
  exam.hide(fleet.config.secrets);
  const judged = await Promise.all(fleet.standing.map((standing) => judge(exam, fleet, standing)));
  const isAnyUsable = judged.some(({ isUsable }) => isUsable);
  const findings = judged.flatMap(({ findings }) => findings);
  if (fleet.fault !== null)
    findings.unshift(
      warning("providers", {
        found: exam.clean(fleet.fault),
        why: "Providers that were declared while the gateway runs are not among these.",
        remedy: "See what is found of the database and of secret.key.",
      }),
    );
  if (!isAnyUsable)
    findings.push(
      warning("providers", {
        found: "none can be called, but for samples that answer by themselves",
        why: "Every request for a model of a provider fails.",
        remedy: 'Set a key, such as OPENAI_API_KEY, or add a provider: "tokligence admin providers add NAME type=…".',
      }),
    );
  return findings;
};

interface Judged {
  /** Whether requests to it can succeed, as far as is known; a sample that answers by itself is no provider. */
  isUsable: boolean;
  findings: Finding[];
}

async function judge(exam: Exam, { config, controls }: Fleet, standing: StandingProvider): Promise<Judged> {
  const { name, settings, obstacle } = standing;
  const told = standing.findings.map((text) =>
    warning(name, {
      found: exam.clean(text),
      why: "What is not sent cannot prove who we are.",
      remedy: `"tokligence admin providers set-key ${name}" sets a key again.`,
    }),
  );
  if (settings === null) {
    // Its namesake of run time speaks for it.
    if (standing.source === "config") return { isUsable: false, findings: [] };
    return { isUsable: false, findings: told.length > 0 ? told : [notInForce(exam, name, obstacle ?? "")] };
  }
  const control = controls.find((each) => each.provider === name && each.account === null && each.model === null);
  if (control !== undefined)
    return {
      isUsable: false,
      findings: [
        ...told,
        note(name, {
          found: `was taken out of service at ${new Date(control.sinceMs).toISOString()}`,
          why: "It is asked nothing, and was not asked now.",
          remedy: `"tokligence admin providers enable ${name}" puts it back.`,
        }),
      ],
    };
  const parts = { clock: systemClock, lookup: lookupHost };
  const guarded = guardCalls(callOutside, parts, () => config);
  const fetch = watchClock(exam, name, guarded);
  const provider = makeSceneProvider(settings, { ...parts, fetch, signIn: callOutside });
  if (provider.missing !== null)
    return { isUsable: false, findings: [...told, judgeMissing(exam, { standing, provider }, provider.missing)] };
  if (provider.answer !== null) return { isUsable: false, findings: [...told, ok(name, "answers in this process")] };
  if (exam.isOffline)
    return {
      isUsable: true,
      findings: [...told, ok(name, "has what it needs; not asked, as nothing outside was to be")],
    };
  const trials = await testProvider(provider, { fetch, clock: systemClock, redact: exam.clean });
  return { isUsable: true, findings: [...told, ...judgeTrials(name, trials), ...judgePools(exam, standing)] };
}

function notInForce(exam: Exam, name: string, obstacle: string): Finding {
  return failure(name, {
    found: `is not in force: ${exam.clean(obstacle)}`,
    why: "Requests that are meant for it fail, or go elsewhere.",
    remedy: `Say it anew: "tokligence admin providers add ${name} …", or remove it.`,
  });
}

/** Of those that are there for everybody, most are used by nobody. */
function judgeMissing(
  exam: Exam,
  { standing, provider }: { standing: StandingProvider; provider: Provider },
  missing: string,
): Finding {
  const { name, source } = standing;
  if (source === "config" && !exam.reading.declares(name))
    return note(name, { found: "has no key", why: "It is not called.", remedy: exam.clean(missing) });
  return failure(provider.name, {
    found: "cannot be called as it is",
    why: "Requests that are meant for it fail, or go elsewhere.",
    remedy: exam.clean(missing),
  });
}

function judgeTrials(name: string, trials: readonly KeyTrial[]): Finding[] {
  const isAnyWell = trials.some(({ status }) => status !== "failed");
  return trials.map(({ key, status, http_status: http, latency_ms: ms, models, error, remedy }) => {
    const subject = key === null ? name : `${name}, key ${key}`;
    if (status === "ok") return ok(subject, `lists ${models ?? 0} models, in ${ms} ms`);
    const words = { found: error ?? "failed", remedy: remedy ?? "" };
    if (status === "reached")
      return note(subject, {
        ...words,
        why: `Whether its key is good is seen with the first request (it answers in ${ms} ms).`,
        remedy: `"tokligence doctor --call ${name}/MODEL" asks one of its models for a token.`,
      });
    const isPassing = http === 429 || (http !== null && http >= 500);
    const say = isAnyWell || isPassing ? warning : failure;
    const why = isAnyWell ? "Its other keys carry the load." : "Requests that go there fail, or go elsewhere.";
    return say(subject, { ...words, why });
  });
}

/** Whoever may set a key should look at one that nobody looked at for long: none of the providers says when it ends. */
function judgePools(exam: Exam, { name, secrets }: StandingProvider): Finding[] {
  const old = secrets.filter(({ setAt }) => Date.now() - setAt.getTime() > OLD_MS);
  if (old.length === 0 || exam.isOffline) return [];
  return [
    note(name, {
      found: `${old.map(({ field }) => field).join(", ")} was set more than a year ago`,
      why: "Keys that live long are known to more and more people.",
      remedy: `Make a new one at the provider: "tokligence admin providers set-key ${name}".`,
    }),
  ];
}

const OLD_MS = 365 * 86_400_000;

/** Of the first answer that bears a date and comes from no cache. */
function watchClock(exam: Exam, name: string, fetch: Fetch): Fetch {
  return async (url, init) => {
    const fromMs = Date.now();
    const response = await fetch(url, init);
    const date = Date.parse(response.headers.get("date") ?? "");
    // It tells whole seconds, of which half is gone on average.
    if (!Number.isNaN(date) && response.headers.get("age") === null)
      exam.sawClock({ whose: name, skewMs: Math.round(date + 500 - (fromMs + Date.now()) / 2) });
    return response;
  };
}
