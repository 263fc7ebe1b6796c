// Models that were named to be asked for a token each. Done by the gateway that runs, as it costs money and has a row on the books.

import type { KeyTrial } from "../../server/index.ts";
import { askGateway } from "../admin/health/gateway.ts";
import { explainFailure } from "../error.ts";
import { type Check, type Finding, describe, failure, ok } from "./finding.ts";

export const checkCalls: Check = async ({ calls, clean, flags }) => {
  const found = await Promise.all(
    calls.map(async ({ provider, model }): Promise<Finding[]> => {
      const subject = `${provider}/${model}`;
      const path = `/api/v1/admin/providers/${encodeURIComponent(provider)}/test`;
      try {
        const { keys } = await askGateway<{ keys: KeyTrial[] }>(
          flags,
          { method: "POST", path, body: { model } },
          "keys",
        );
        return keys.map(({ key, status, error, latency_ms: ms, remedy }) => {
          const place = key === null ? subject : `${subject}, key ${key}`;
          if (status === "ok") return ok(place, `answers, in ${ms} ms`);
          const why = "Requests for it fail, or go elsewhere.";
          return failure(place, { found: clean(error ?? "failed"), why, remedy: remedy ?? "Do what the error says." });
        });
      } catch (error) {
        const why = "It was not found out whether it answers.";
        const { hint } = explainFailure(error);
        return [failure(subject, { found: clean(describe(error)), why, remedy: hint ?? "Do what the error says." })];
      }
    }),
  );
  return found.flat();
};
