// Budgets with what their windows have come to: on the database here, as the ledger has it and without a server, or at a gateway elsewhere.

import type { JsonObject } from "../../../ir/index.ts";
import { judgeNamed } from "../../../identity/index.ts";
import {
  type Budget,
  type BudgetDirectory,
  type ChangedBudget,
  type NewBudget,
  createBudgetDirectory,
  printBudget,
  printForce,
  printUncounted,
  printState,
  printStates,
  readWindowStates,
} from "../../../ledger/index.ts";
import { byOperator } from "../../open.ts";
import type { Here, Place } from "../../place.ts";
import { type Remote, askAll, segment } from "../../remote/client.ts";
import { SHOWING } from "../../remote/directory.ts";

/** Budgets as they are printed. */
export interface BudgetDesk {
  create(budget: NewBudget): Promise<JsonObject>;
  /** Each with its state, null where it is counted for each of many. */
  list(): Promise<JsonObject[]>;
  /** By id or name; a state for each subject. */
  get(idOrName: string): Promise<{ budget: JsonObject; states: JsonObject[] }>;
  /** Of one key alone. */
  ofKey(keyId: string): Promise<JsonObject[]>;
  update(idOrName: string, change: ChangedBudget): Promise<JsonObject>;
  delete(idOrName: string): Promise<JsonObject>;
}

export function openRules(place: Place): BudgetDesk {
  return place.remote === null ? makeDesk(place) : makeRemoteDesk(place.remote);
}

function makeDesk(here: Here): BudgetDesk {
  const { store } = here;
  const rules = openDirectory(here);
  const print = async (budget: Budget): Promise<JsonObject> => ({
    ...printBudget(budget),
    ...(await judgeForce(here, [budget]))(budget),
    ...printUncounted(budget, Date.now()),
  });
  return {
    create: async (budget) => print(await rules.create(budget, byOperator())),
    async list() {
      const budgets = await rules.list();
      const force = await judgeForce(here, budgets);
      return Promise.all(
        budgets.map(async (budget) => {
          const states = budget.each === null ? await readWindowStates(store.budgets, budget, Date.now()) : [];
          const state = states[0] === undefined ? null : printState(budget, states[0].state);
          return { ...printBudget(budget), ...force(budget), ...printUncounted(budget, Date.now()), state };
        }),
      );
    },
    async get(idOrName) {
      const budget = await rules.get(idOrName);
      const states = await readWindowStates(store.budgets, budget, Date.now());
      return { budget: await print(budget), states: printStates(budget, states) };
    },
    ofKey: async (keyId) => (await rules.list()).filter(({ apiKeyId }) => apiKeyId === keyId).map(printBudget),
    update: async (idOrName, change) => print(await rules.update(idOrName, change, byOperator())),
    delete: async (idOrName) => printBudget(await rules.delete(idOrName, byOperator())),
  };
}

async function judgeForce({ store }: Here, budgets: readonly Budget[]): Promise<(budget: Budget) => JsonObject> {
  const nameOf = ({ userId, apiKeyId }: Budget) => ({ user: userId, key: apiKeyId });
  const find = await judgeNamed(budgets.map(nameOf), store.identity.listGone);
  return (budget) => printForce(find(nameOf(budget)));
}

function openDirectory({ store, directory }: Here): BudgetDirectory {
  return createBudgetDirectory({
    store: store.budgets,
    findUser: async (idOrEmail) => (await directory.getUser(idOrEmail)).id,
    findKey: async (id) => (await directory.getKey(id)).id,
    now: Date.now,
    newId: () => Bun.randomUUIDv7(),
  });
}

const PATH = "/api/v1/admin/budgets";

function makeRemoteDesk(remote: Remote): BudgetDesk {
  const one = async (question: Parameters<Remote["ask"]>[0]): Promise<JsonObject> =>
    withoutState((await remote.ask<{ budget: JsonObject }>(question, "budget")).budget);
  return {
    create: (budget) => one({ method: "POST", path: PATH, body: printWanted(budget) }),
    list: () => askAll(remote, { method: "GET", path: PATH }, "budgets"),
    async get(idOrName) {
      const path = `${PATH}/${segment(idOrName, "budget")}`;
      const { budget, states } = await remote.ask<{ budget: JsonObject; states: JsonObject[] }>(
        {
          method: "GET",
          path,
        },
        "budget",
      );
      return { budget: withoutState(budget), states };
    },
    async ofKey(keyId) {
      const path = `/api/v1/admin/api-keys/${segment(keyId, "API key")}`;
      return (await remote.ask<{ budgets: JsonObject[] }>({ method: "GET", path }, "budgets")).budgets;
    },
    update: (idOrName, change) =>
      one({ method: "PATCH", path: `${PATH}/${segment(idOrName, "budget")}`, body: printWanted(change) }),
    delete: (idOrName) => one({ method: "DELETE", path: `${PATH}/${segment(idOrName, "budget")}`, headers: SHOWING }),
  };
}

function withoutState({ state: _state, ...budget }: JsonObject): JsonObject {
  return budget;
}

function printWanted(budget: ChangedBudget & Partial<Omit<NewBudget, keyof ChangedBudget>>): object {
  const { name, user, provider, model, tag, each, period, mode, unpriced } = budget;
  return {
    name,
    user,
    api_key_id: budget.apiKey,
    provider,
    model,
    tag,
    each,
    limit_usd: budget.limitUsd,
    soft_limit_usd: budget.softLimitUsd,
    limit_tokens: budget.limitTokens,
    soft_limit_tokens: budget.softLimitTokens,
    period,
    time_zone: budget.timeZone,
    mode,
    unpriced,
    alert_percents: budget.alertPercents,
  };
}
