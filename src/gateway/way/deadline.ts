// How long a call to a provider may take, step by step, and whose setting says so: a route's over its provider's over the gateway's. Pure.

export type DeadlineName = "connect" | "firstOutput" | "header" | "idle" | "total";

export interface Deadline {
  name: DeadlineName;
  ms: number;
  /** As the operator finds it; null where none says so. */
  setting: string | null;
  /** Of a body that is heard of once it is whole: whether anything came before that is not known. */
  isOfWhole?: true;
}

/**
 * `connect`: until the provider's server takes a connection; `header`: until its response begins; `firstOutput`: until a stream says something of
 * the answer, whatever signs of life it gives before; `idle`: between two pieces of the body; `total`: until its end. Each but the last two from the call on.
 */
export type Deadlines = Readonly<Record<DeadlineName, Deadline>>;

/** Milliseconds; what is missing is left as it is. */
export type DeadlineRules = Readonly<Partial<Record<DeadlineName, number>>>;

/** What one section says. */
export interface OwnDeadlines {
  /** As in `[provider.x]`, without the brackets. */
  section: string;
  rules: DeadlineRules;
}

/** What a setting is called in a section; above the sections it begins with `upstream_`. */
const SETTINGS = {
  connect: "connect_timeout",
  firstOutput: "first_output_timeout",
  header: "header_timeout",
  idle: "idle_timeout",
  total: "total_timeout",
} as const satisfies Record<DeadlineName, string>;

export function setDeadlines(rules: Readonly<Record<DeadlineName, number>>): Deadlines {
  return make((name) => ({ name, ms: rules[name], setting: `upstream_${SETTINGS[name]}` }));
}

/** The same wait for every step, where no setting has a say. */
export function waitAtMost(ms: number): Deadlines {
  return make((name) => ({ name, ms, setting: null }));
}

/** For a body whose pieces nobody is told of. */
export function untilWhole(idle: Deadline): Deadline {
  return { ...idle, isOfWhole: true };
}

export function overrule(deadlines: Deadlines, own: OwnDeadlines | undefined): Deadlines {
  if (own === undefined) return deadlines;
  const { section, rules } = own;
  return make((name) => {
    const ms = rules[name];
    return ms === undefined ? deadlines[name] : { name, ms, setting: `${SETTINGS[name]} of [${section}]` };
  });
}

function make(choose: (name: DeadlineName) => Deadline): Deadlines {
  return {
    connect: choose("connect"),
    firstOutput: choose("firstOutput"),
    header: choose("header"),
    idle: choose("idle"),
    total: choose("total"),
  };
}

function sayWithin({ ms, setting }: Deadline): string {
  return `${ms / 1000} s${setting === null ? "" : ` (${setting})`}`;
}

/** Where it was the client who let it pass. */
export function sayUntaken(deadline: Deadline): string {
  return `The client did not take the answer within ${sayWithin(deadline)}.`;
}

/** What a provider did that let it pass, as the end of a sentence that begins with its name. */
export function sayLate(deadline: Deadline): string {
  const { name, isOfWhole } = deadline;
  const within = sayWithin(deadline);
  switch (name) {
    case "connect":
      return `took no connection within ${within}`;
    case "firstOutput":
      return `began its stream, and said nothing of the answer within ${within}`;
    case "header":
      return `did not answer within ${within}`;
    case "idle":
      return isOfWhole === true
        ? `began its answer, and did not send the whole of it within ${within}`
        : `sent nothing for ${within} in the middle of its answer`;
    case "total":
      return `did not finish its answer within ${within}`;
    default:
      return name satisfies never;
  }
}
