// Whether the configuration can be used, by file, line and key.

import { RUNTIME } from "../../config/gather-env.ts";
import { type Check, type Finding, ok, warning } from "./finding.ts";

export const checkConfig: Check = async ({ reading }) => {
  const { files, problems, warnings, isBare } = reading;
  const read = files.map((file) => ok(file, "is read"));
  const nothing = files.length === 0 && problems.length === 0;
  return [
    ...problems.map((problem): Finding => {
      const { file, line, key, message, suggestion } = problem;
      if (file === RUNTIME.file && key !== null)
        return warning(key, {
          found: `what was set while gateways ran cannot be used: ${message}`,
          why: "It is left out: what files say holds.",
          remedy: `Take it back: "tokligence admin settings unset ${key}".`,
        });
      const rest = isBare ? "What follows goes by the defaults." : "What follows goes by the rest of it.";
      return {
        level: "error",
        subject: line === null ? file : `${file}:${line}`,
        found: message,
        why: `No gateway starts with it, and one that runs keeps what it had. ${rest}`,
        remedy: suggestion === null ? "Put it right, or take it out." : `Did you mean "${suggestion}"?`,
        at: { file, line, key },
      };
    }),
    ...warnings.map((text) =>
      warning("configuration", {
        found: text,
        why: "It is read, but it may not say what you mean.",
        remedy: 'Look at it; "tokligence config show --origin" prints what is in effect.',
      }),
    ),
    ...(nothing ? [ok("configuration", "there is no file: defaults and the environment hold")] : read),
  ];
};
