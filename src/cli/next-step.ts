// What to do where something that was named is not there, or is there already, in the same words here and at a gateway elsewhere. Knows no failure.

const LISTS: readonly (readonly [RegExp, string])[] = [
  [/^A user with this e-mail already exists\./u, "tokligence admin users list"],
  [/^The model "[^"]*" does not exist here/u, "tokligence models list"],
  [/^There is no such API key\./u, "tokligence admin api-keys list"],
  [/^There is no such budget\./u, "tokligence admin budgets list"],
  [/^There is no such connected account\./u, "tokligence admin identities list --user EMAIL"],
  [/^There is no provider "[^"]*" that was declared/u, "tokligence admin providers list"],
  [/^There is no rate limit /u, "tokligence admin limits list"],
  [/^There is no route /u, "tokligence admin routes list"],
  [/^There is no such session\./u, "tokligence admin sessions list"],
  [/^There is no such user\./u, "tokligence admin users list"],
  [/^\S+: there is no such setting\b/u, "tokligence admin settings list"],
];

/** By what was said; undefined where there is nothing to add. */
export function findNextStep(message: string): string | undefined {
  const [, command] = LISTS.find(([pattern]) => pattern.test(message)) ?? [];
  return command === undefined ? undefined : `${command} shows what there is.`;
}
