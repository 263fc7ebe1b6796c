// Calls that no result has answered yet, found without a look at all of them: a conversation can have very many. Knows no part.

export interface OpenCall {
  id: string;
  name: string;
}

export interface OpenCalls {
  add(call: OpenCall): void;
  /** The one that a result answers: by its id, else the first one of that name, else, of a result without an id, the first one at all. It is open no more. */
  take(id: string, name: unknown): OpenCall | null;
}

export function openCalls(): OpenCalls {
  const answered = new Set<OpenCall>();
  const all = openQueue(answered);
  const byId = new Map<string, Queue>();
  const byName = new Map<string, Queue>();

  return {
    add(call) {
      all.add(call);
      addTo(byId, call.id, call);
      addTo(byName, call.name, call);
    },
    take(id, name) {
      const named = typeof name === "string" ? byName.get(name)?.first() : undefined;
      const found = (id === "" ? undefined : byId.get(id)?.first()) ?? named ?? (id === "" ? all.first() : undefined);
      if (found === undefined) return null;
      answered.add(found);
      return found;
    },
  };

  function addTo(queues: Map<string, Queue>, word: string, call: OpenCall): void {
    const queue = queues.get(word) ?? openQueue(answered);
    queues.set(word, queue);
    queue.add(call);
  }
}

interface Queue {
  add(call: OpenCall): void;
  /** The first that is not answered; undefined where all are. */
  first(): OpenCall | undefined;
}

function openQueue(answered: ReadonlySet<OpenCall>): Queue {
  const calls: OpenCall[] = [];
  let at = 0;
  return {
    add: (call) => void calls.push(call),
    first() {
      for (let call = calls[at]; call !== undefined; call = calls[++at]) if (!answered.has(call)) return call;
      return undefined;
    },
  };
}
