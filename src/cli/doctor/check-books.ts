// What is on its way to the books: journals that are not in the file yet, rows in the outbox, and what could not be read or was not taken.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { readMarks } from "../../store/chain-mark.ts";
import type { Glance } from "../../store/glance.ts";
import { glance } from "../../store/glance.ts";
import { glanceBooks } from "../../store/glance-row.ts";
import { countWritten, listDamaged, listSegments, listSlots, nameSegment } from "../../store/journal/disk.ts";
import { locateLedger } from "../../store/location.ts";
import { type Check, type Exam, type Finding, describe, failure, note, ok, printBytes, warning } from "./finding.ts";

export const checkBooks: Check = async (exam) => {
  const { config } = exam;
  const isElsewhere = locateLedger(config).includes("://");
  const path = isElsewhere ? config.outboxPath : locateLedger(config);
  if (!existsSync(dirname(path))) return [ok(path, "nothing waits to be written")];
  const damaged = listDamaged(path).map((file) =>
    failure(file, {
      found: "part of a journal could not be read",
      why: "Rows of calls in it are not on the books.",
      remedy: "Look at what can be saved of it, then move the file away.",
    }),
  );
  damaged.push(...(await judgeSums(exam)));
  return [...damaged, ...(isElsewhere ? await judgeOutbox(exam, path) : await judgeFile(exam, path))];
};

async function judgeSums(exam: Exam): Promise<Finding[]> {
  const { place, glance: sight } = await exam.ledger();
  if (sight === null || sight.schema.pending > 0) return [];
  const marks = await sight.engine.read((db) => readMarks(sight.engine, db));
  const odd = marks.flatMap(({ chain, isOdd }) => (isOdd ? [chain] : []));
  if (odd.length === 0) return [];
  return [
    failure(place, {
      found: `what is noted of how far chains are summed up was damaged (table ledger_marks): ${exam.clean(odd.join(", "))}`,
      why: "Reports are read from rows, which takes longer and leaves out those that are gone by age; these chains are summed up no further, and none of their rows goes by age.",
      remedy: 'Have the sums made anew: "tokligence ledger rebuild".',
    }),
  ];
}

async function judgeFile(exam: Exam, path: string): Promise<Finding[]> {
  const { glance } = await exam.ledger();
  if (glance === null || glance.schema.pending > 0) return [];
  const { refused, places } = await glanceBooks(glance.engine);
  return [...judgeRefused(path, refused), judgeJournal(path, places)];
}

async function judgeOutbox(exam: Exam, path: string): Promise<Finding[]> {
  let sight: Glance | null;
  try {
    sight = await glance({ location: path, database: exam.config.database });
  } catch (error) {
    return [
      failure(path, {
        found: describe(error),
        why: "Rows go there first: without it the gateway does not start.",
        remedy: "Do what it says. Rows that lie there are on no other books: keep the file.",
      }),
    ];
  }
  if (sight === null) return [ok(path, "is not there yet: no rows wait")];
  try {
    // Of the first versions, tables are missing: the gateway brings them up to date, and takes along what waits.
    const books = await glanceBooks(sight.engine, true).catch((error: unknown) => {
      if (sight.schema.pending === 0) throw error;
      return null;
    });
    if (books === null)
      return [
        note(path, {
          found: "is of an older version: how many rows wait there cannot be told",
          why: "Those that wait are in no report.",
          remedy: "Start the gateway: it delivers them. Keep the file until then.",
        }),
      ];
    const { rows: waiting, refused, places } = books;
    const findings = [...judgeRefused(path, refused), judgeJournal(path, places)];
    if (waiting === 0) return [...findings, ok(path, "no rows wait for the ledger's database")];
    return [
      ...findings,
      warning(path, {
        found: `${waiting} rows wait for the ledger's database`,
        why: "They are in no report, and no other gateway knows of them.",
        remedy: "A gateway that runs delivers them within moments where the database takes them; else start it.",
      }),
    ];
  } finally {
    await sight.close();
  }
}

function judgeRefused(path: string, refused: number): Finding[] {
  if (refused === 0) return [];
  return [
    failure(path, {
      found: `${refused} rows are not taken by the database`,
      why: "The table ledger_refused names them (head/… is a signed head, chain/… what is said of a chain); they are in no report.",
      remedy: "Its column reason says why; the gateway's log tells of each.",
    }),
  ];
}

function judgeJournal(path: string, places: readonly { slot: number; segment: number; offset: number }[]): Finding {
  const bytes = listSlots(path)
    .flatMap((slot) => listSegments(path, slot).map((segment) => ({ slot, segment })))
    .map(({ slot, segment }) => {
      const place = places.find((each) => each.slot === slot);
      const size = countWritten(nameSegment(path, slot, segment)) ?? 0;
      if (place === undefined || segment > place.segment) return size;
      return segment === place.segment ? Math.max(0, size - place.offset) : 0;
    })
    .reduce((sum, each) => sum + each, 0);
  if (bytes < LITTLE_BYTES) return ok(path, "nothing waits in a journal");
  return note(path, {
    found: `${printBytes(bytes)} of its journals are not in the file yet`,
    why: "Reports are behind by these rows; none is lost.",
    remedy: "A gateway that runs binds them within moments; else the next start or command on the books does.",
  });
}

/** The head that each journal begins with. */
const LITTLE_BYTES = 4_096;
