// The settings in effect by HTTP, and changes of those that take effect at once. What a setting may say is the configuration's to judge.

import { z } from "zod";
import { requireGrant } from "../../identity/index.ts";
import type { About } from "../about.ts";
import { readExpected, readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import type { SettingDesk } from "../setting-desk.ts";
import { printSettings } from "../setting-print.ts";
import { type AdminParts, hostOf } from "./part.ts";

const CHANGE = z.record(z.string().max(100), z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]));

const tag = "Settings";
const ANSWER = z
  .object({
    values: z.array(
      z.object({
        key: z.string(),
        value: z.string().nullable().describe("Null where it is unset; secrets are masked"),
        origin: z.string().describe("`default`, a file and its line, a variable, a flag, or `runtime`"),
        secret: z.boolean(),
        changeable: z.boolean().describe("Whether it can be changed here"),
        takes_effect: z.enum(["at once", "restart"]),
      }),
    ),
    set: z.record(z.string(), z.string()).describe("What was set here; the environment and flags stand above it"),
    version: z.int().describe("Of what was set here; 0 where nothing ever was"),
    files: z.array(z.string()),
    warnings: z.array(z.string()),
  })
  .meta({ id: "Settings" });
const ABOUT = {
  change: {
    tag,
    summary: "Change settings while the gateway runs",
    more: "By key, as a file would say them; null takes back what was set here. In force at every gateway within a second.",
    body: CHANGE,
    answer: ANSWER,
    errors: [409],
    isTagged: true,
  },
  show: { tag, summary: "Show the settings in effect, and who said each", answer: ANSWER, isTagged: true },
} as const satisfies Record<string, About>;

const path = "/api/v1/admin/settings";
/** These say whom an identity provider lets in, and as what. */
const LETS_IN = "oidc_";

export function makeSettingRoutes(
  desk: SettingDesk,
  { limit, ...admin }: Pick<AdminParts, "directory" | "isMetered" | "limit">,
): GuardedRoute[] {
  const answer = (): Response => {
    const { loaded, row } = desk.standing();
    return Response.json(printSettings(loaded, row), { headers: { etag: `"${row?.version ?? 0}"` } });
  };
  return [
    {
      method: "GET",
      path,
      authority: { anyOf: ["settings:read"] },
      about: ABOUT.show,
      async handle() {
        await desk.refresh();
        return answer();
      },
    },
    {
      method: "PATCH",
      path,
      authority: { anyOf: ["settings:write"] },
      about: ABOUT.change,
      async handle({ request, caller }) {
        const said = Object.entries(await readJson(request, limit(), CHANGE)).map(
          ([key, value]) => [key, value === null ? null : String(value)] as const,
        );
        if (said.some(([key]) => key.startsWith(LETS_IN))) requireGrant(await hostOf(caller, admin), "gateway_admin");
        await desk.change(Object.fromEntries(said), { expected: readExpected(request), by: caller.from });
        return answer();
      },
    },
  ];
}
