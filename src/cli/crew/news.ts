// What the processes of one gateway, and other gateways where there are some, tell each other of the providers. Kept as long as it holds, for those that
// come later. Knows no line and no Redis.

import type { Control, Finding, HealthSharing, News, OpenSharing, PlaceName } from "../../gateway/index.ts";
import type { Clock } from "../../lib/clock.ts";

export interface NewsDesk {
  /** For this process. */
  share: OpenSharing;
  /** A worker said it. */
  hearFrom(worker: number, news: News): void;
  /** All that holds, for one that begins. */
  list(): News[];
}

interface NewsDeskInit {
  clock: Pick<Clock, "monotonicMs">;
  /** The way to other gateways, where there is one. */
  outside: OpenSharing | undefined;
  /** To all workers but that one. */
  spread: (news: News, but: number | null) => void;
  listControls: () => readonly Control[];
}

export function openNewsDesk({ clock, outside, spread, listControls }: NewsDeskInit): NewsDesk {
  const known = new Map<string, { finding: Finding; untilMs: number }>();
  let hearHere: (news: News) => void = () => undefined;
  let others: HealthSharing | null = null;

  const note = (news: News): void => {
    if (news.kind === "finding") {
      const { finding } = news;
      const key = JSON.stringify([finding.kind, finding.provider, finding.account, finding.model]);
      if (finding.forMs === null) known.delete(key);
      else known.set(key, { finding, untilMs: clock.monotonicMs() + finding.forMs });
    }
    if (news.kind !== "reset") return;
    for (const [key, { finding }] of known) if (covers(news.name, finding)) known.delete(key);
  };

  return {
    share(hear) {
      hearHere = hear;
      others =
        outside?.((news) => {
          note(news);
          spread(news, null);
          hear(news);
        }) ?? null;
      return {
        tell(news) {
          note(news);
          spread(news, null);
          others?.tell(news);
        },
        isConnected: () => others?.isConnected() ?? null,
        stop: () => others?.stop(),
      };
    },
    hearFrom(worker, news) {
      note(news);
      spread(news, worker);
      hearHere(news);
      others?.tell(news);
    },
    list() {
      const nowMs = clock.monotonicMs();
      for (const [key, { untilMs }] of known) if (untilMs <= nowMs) known.delete(key);
      const findings = [...known.values()].map(({ finding, untilMs }): News => ({
        kind: "finding",
        finding: { ...finding, forMs: untilMs - nowMs },
      }));
      return [...listControls().map((put): News => ({ kind: "control", put })), ...findings];
    },
  };
}

/** Null stands for all. */
function covers(name: PlaceName, other: PlaceName): boolean {
  return (
    name.provider === other.provider &&
    (name.account === null || name.account === other.account) &&
    (name.model === null || name.model === other.model)
  );
}
