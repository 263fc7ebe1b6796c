// What of a body does not hold, field by field, in words that say what would: of its form, and of what it means. Knows no route; what stands in a body
// is never repeated, for it may be a key.

import { z } from "zod";
import { type FieldProblem, GatewayError, isJsonObject, listProblems } from "../ir/index.ts";
import { wordIssue } from "../lib/issue.ts";

/** Throws invalid_request with all that is wrong with the words of a body; asked of those fields whose form is right. `faulty`: the others. */
type Judge<Schema extends z.ZodType> = (said: Partial<z.output<Schema>>, faulty: ReadonlySet<string>) => unknown;

/** A value by its schema. What is wrong with the form of one field does not hide what is wrong with what another says. */
export function readShape<Schema extends z.ZodType>(
  said: unknown,
  schema: Schema,
  judge?: Judge<Schema>,
): z.output<Schema> {
  // The one name that a schema loses without a word.
  if (isJsonObject(said) && Object.hasOwn(said, "__proto__")) throw refuse([{ path: "__proto__", message: NO_FIELD }]);
  const result = schema.safeParse(said, { reportInput: true });
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap(printIssue);
  throw refuse([...problems, ...judgeRest({ said, schema, judge }, problems)].slice(0, MAX_PROBLEMS));
}

const NO_FIELD = "There is no such field.";
/** Nobody reads more; a long list may be wrong in every line. */
const MAX_PROBLEMS = 100;

function refuse(problems: readonly FieldProblem[]): GatewayError {
  const [first] = problems;
  const [path = "", what = "invalid"] = [first?.path, first?.message];
  return new GatewayError({
    kind: "invalid_request",
    message: `${path === "" ? "body" : path}: ${what}`,
    param: path === "" ? undefined : path,
    problems,
  });
}

function judgeRest<Schema extends z.ZodType>(
  { said, schema, judge }: { said: unknown; schema: Schema; judge: Judge<Schema> | undefined },
  problems: readonly FieldProblem[],
): readonly FieldProblem[] {
  if (judge === undefined || !(schema instanceof z.ZodObject) || !isJsonObject(said)) return [];
  const faulty = new Set(problems.map(({ path }) => nameField(path)));
  const rest = Object.fromEntries(Object.entries(said).filter(([name]) => !faulty.has(name)));
  const read = schema.partial().safeParse(rest);
  if (!read.success) return [];
  try {
    judge(read.data as Partial<z.output<Schema>>, faulty);
    return [];
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== "invalid_request") return [];
    return listProblems(error).filter(({ path }) => path !== "" && !faulty.has(nameField(path)));
  }
}

/** Of a path, the member of the body itself. */
function nameField(path: string): string {
  return path.split(".")[0] ?? path;
}

function printIssue(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") return [{ path: path.join("."), message: wordIssue(issue) }];
  return issue.keys.map((key) => ({ path: [...path, key].join("."), message: NO_FIELD }));
}
