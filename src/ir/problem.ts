// Several checks of what somebody says, and all that they refuse in one error. Knows no check.

import { type FieldProblem, GatewayError } from "./error.ts";

type Checks = Readonly<Record<string, (() => unknown) | undefined>>;

/** What each answers; nothing of those that are undefined. */
type Checked<All extends Checks> = {
  [Name in keyof All as undefined extends All[Name] ? never : Name]: ReturnType<Exclude<All[Name], undefined>>;
} & {
  [Name in keyof All as undefined extends All[Name] ? Name : never]?: ReturnType<Exclude<All[Name], undefined>>;
};

/** Throws one invalid_request with all problems of all checks, the first of them for its message; any other error at once. */
export function checkAll<const All extends Checks>(checks: All): Checked<All> {
  const checked: Record<string, unknown> = {};
  const refused: GatewayError[] = [];
  for (const [name, check] of Object.entries(checks)) {
    if (check === undefined) continue;
    try {
      checked[name] = check();
    } catch (error) {
      if (!(error instanceof GatewayError) || error.kind !== "invalid_request") throw error;
      refused.push(error);
    }
  }
  if (refused.length > 0) throw joinRefusals(refused);
  // Each name was gone through.
  return checked as Checked<All>;
}

/** The first of them, with the problems of all. */
function joinRefusals(refused: readonly GatewayError[]): GatewayError {
  const [first] = refused;
  const problems = refused.flatMap(listProblems);
  const { message = "", param, code } = first ?? {};
  return new GatewayError({ kind: "invalid_request", message, param, code, problems });
}

/** All that is wrong, by field; never empty. */
export function listProblems({ problems, param, message }: GatewayError): readonly FieldProblem[] {
  const found = problems !== undefined && problems.length > 0 ? problems : [{ path: param ?? "", message }];
  // A sentence that stands alone names its field first.
  return found.map(({ path, message: what }) => ({
    path,
    message: path !== "" && what.startsWith(`${path}: `) ? what.slice(path.length + 2) : what,
  }));
}

/** The same refusal, of something that lies within another: `place` is where, such as `users.3`. `sentence`: its message, of the one before. */
export function placeRefusal(
  error: GatewayError,
  place: string,
  sentence: (message: string) => string = (message) => message,
): GatewayError {
  const inside = (path: string): string => (path === "" ? place : `${place}.${path}`);
  const problems = listProblems(error).map(({ path, message }) => ({ path: inside(path), message }));
  const { kind, code, param = "", cause } = error;
  return new GatewayError({ kind, code, message: sentence(error.message), param: inside(param), problems, cause });
}

/** All faults in one error, whose message names the first with its field. */
export function refuseFaults(faults: readonly { field: string; message: string }[], code: string): GatewayError {
  const [first] = faults;
  const problems = faults.map(({ field, message }) => ({ path: field, message }));
  const message = `${first?.field ?? ""}: ${first?.message ?? ""}`;
  return new GatewayError({ kind: "invalid_request", code, param: first?.field, message, problems });
}
