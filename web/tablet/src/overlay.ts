// What the journal of this tablet adds to the work that the office gave out.
import { Attempt, Case, Event, Evidence, Listing, Wave } from "./events";

// Run is one interview from its beginning to its end on this tablet.
export interface Run {
  interview: string;
  revision: number; // which it is to have when it is finished
  version: string;
  booklet: string;
  seed: number;
  lang: string;
  began: string;
  from: number; // seq of its begin
  state: "open" | "parted" | "finished";
  sent: number; // seq of its last finish or part; 0 before
}

export interface CaseOverlay {
  attempts: { seq: number; attempt: Attempt }[];
  selection?: { seq: number; evidence: Evidence };
  relisted?: Listing;
  notes: { seq: number; at: string; text: string }[];
  runs: Run[];
}

export class Overlay {
  private readonly cases = new Map<string, CaseOverlay>();
  last = ""; // the time of the last event

  of(wave: string, id: string): CaseOverlay {
    const key = wave + "\n" + id;
    let c = this.cases.get(key);
    if (!c) this.cases.set(key, (c = { attempts: [], notes: [], runs: [] }));
    return c;
  }

  // all are the cases of which the journal says something.
  all(): { wave: string; id: string; of: CaseOverlay }[] {
    return [...this.cases].map(([key, of]) => {
      const [wave, id] = key.split("\n") as [string, string];
      return { wave, id, of };
    });
  }

  // add takes an event in. Those that it does not know change nothing.
  add(seq: number, e: Event): void {
    this.last = e.at;
    if (e.wave === undefined || e.case === undefined) return;
    const c = this.of(e.wave, e.case);
    switch (e.kind) {
      case "attempt":
        c.attempts.push({ seq, attempt: e.attempt });
        break;
      case "select":
        c.selection ??= { seq, evidence: e.evidence };
        break;
      case "relist":
        c.relisted = e.listing;
        break;
      case "note":
        c.notes.push({ seq, at: e.at, text: e.text });
        break;
      case "begin":
        c.runs.push({ interview: e.interview, revision: e.revision, version: e.version, booklet: e.booklet, seed: e.seed, lang: e.lang, began: e.at, from: seq, state: "open", sent: 0 });
        break;
      case "step": {
        const r = lastRun(c, e.interview);
        if (r?.state === "parted") r.state = "open";
        break;
      }
      case "part": {
        const r = lastRun(c, e.interview);
        if (r) {
          r.state = "parted";
          r.revision++;
          r.sent = seq;
        }
        break;
      }
      case "finish": {
        const r = lastRun(c, e.interview);
        if (r) {
          r.state = "finished";
          r.sent = seq;
        }
        break;
      }
    }
  }
}

const lastRun = (c: CaseOverlay, interview: string): Run | undefined => c.runs.filter((r) => r.interview === interview).pop();

// currentRun is the interview that the case has now. One that was finished stays so, unless
// the office sent the case back for another.
export function currentRun(c: Case, o: CaseOverlay): Run | undefined {
  const r = o.runs[o.runs.length - 1];
  if (!r) return undefined;
  if (r.state === "finished") return c.returned !== undefined && (r.interview !== c.interview || c.revision > r.revision) ? undefined : r;
  return r;
}

// selectionOf is the first selection, made at the desk or here.
export const selectionOf = (c: Case, o: CaseOverlay): Evidence | undefined => c.selection ?? o.selection?.evidence;

// freshAttempts are those that the office had not carried out when it gave the work out.
export const freshAttempts = (o: CaseOverlay, covers: number): Attempt[] => o.attempts.filter((a) => a.seq > covers).map((a) => a.attempt);

// lastAttempt is the latest attempt by time, the office's or a fresh one.
export function lastAttempt(c: Case, o: CaseOverlay, covers: number): { at: string; contact: string; outcome: string; appointment?: string } | undefined {
  let last: { at: string; contact: string; outcome: string; appointment?: string } | undefined =
    c.last_attempt && { ...c.last_attempt, ...(c.appointment ? { appointment: c.appointment } : {}) };
  for (const a of freshAttempts(o, covers)) {
    if (!last || Date.parse(a.at) >= Date.parse(last.at)) last = a;
  }
  return last;
}

// appointmentOf is the appointment to keep, if there is one.
export function appointmentOf(c: Case, o: CaseOverlay, covers: number): string | undefined {
  return freshAttempts(o, covers).length > 0 ? lastAttempt(c, o, covers)?.appointment : c.appointment;
}

export type Standing = "done" | "finished" | "parted" | "open" | "listed" | "office";

// standingOf says where the case stands, seen from this tablet; "office" is as the office has it.
export function standingOf(c: Case, o: CaseOverlay): Standing {
  const run = currentRun(c, o);
  if (run && run.state !== "finished") return run.state;
  if (c.done) return "done";
  if (run) return "finished";
  return o.selection && c.returned === undefined ? "listed" : "office";
}

// over says whether interviews that begin now would not count: the wave was closed, or the last
// day on which the questionnaire is valid has passed, in China.
export function over(w: Wave, valid: string | undefined, now: Date): boolean {
  return !w.open || (valid !== undefined && valid !== "" && new Date(now.getTime() + 8 * 3_600_000).toISOString().slice(0, 10) > valid);
}
