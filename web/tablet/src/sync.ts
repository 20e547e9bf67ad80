// Sending the journal to the office. Nothing counts as sent before the office's receipt for
// it was verified, and nothing is deleted before a checkpoint was.
import { app } from "./app";
import { Event } from "./events";
import { Refusal } from "./net";
import { checkpointHolds, receiptHolds } from "./receipt";

export interface Progress {
  running: boolean;
  done: number; // events sent in this run
  of: number;
  error?: string; // code of what went wrong last
  detail?: string;
  conflict: number[];
  at: string; // of the last success
}

const soonest = 30_000;
const latest = 15 * 60_000;
const stale = 10 * 60_000; // the age at which work is fetched anew although nothing was sent

class Sync {
  progress: Progress = { running: false, done: 0, of: 0, conflict: [], at: "" };
  onChange: () => void = () => undefined;
  onRevoked: () => void = () => undefined;
  private failures = 0;
  private lookings = 0; // how often in turn the office had everything, but had not carried it out
  private notBefore = 0;
  private going: Promise<boolean> | undefined;

  // run sends everything and says whether that worked. Calls meanwhile wait for the same run.
  // Unless somebody asked for it, work is not fetched every time.
  run(asked = true): Promise<boolean> {
    this.going ??= this.whole(asked).finally(() => {
      this.going = undefined;
    });
    return this.going;
  }

  // auto runs when there is something to send or to hear, and the last failure, or the last
  // look at what is carried out, is long enough ago.
  auto(): void {
    if (!app.open || this.going) return;
    if ((this.failures > 0 || app.unsent === 0) && performance.now() < this.notBefore) return;
    if (app.unsent > 0 || app.checked.upto < app.journal.head.seq) void this.run(false);
  }

  // hurry forgets the waiting after failures: the network is back.
  hurry(): void {
    this.notBefore = 0;
    this.failures = 0;
    this.auto();
  }

  private say(p: Partial<Progress>): void {
    this.progress = { ...this.progress, ...p };
    this.onChange();
  }

  private async whole(asked: boolean): Promise<boolean> {
    this.say({ running: true, done: 0, of: app.unsent, error: undefined, detail: undefined });
    try {
      await this.send();
      await this.prune();
      if (app.work && (asked || this.progress.done > 0 || app.clock.now().getTime() - Date.parse(app.work.fetched ?? "") > stale)) await this.refresh();
      this.failures = 0;
      this.lookings = app.checked.upto < app.journal.head.seq && this.progress.done === 0 ? this.lookings + 1 : 0;
      this.notBefore = this.lookings === 0 ? 0 : performance.now() + Math.min(latest, soonest * 2 ** this.lookings);
      this.say({ running: false, at: app.clock.now().toISOString() });
      return true;
    } catch (err) {
      const code = err instanceof Refusal ? err.code : "internal";
      this.failures++;
      this.notBefore = performance.now() + Math.min(latest, soonest * 2 ** (this.failures - 1)) * (0.75 + Math.random() / 2);
      if (code === "device-revoked") {
        await app.revoke();
        this.onRevoked();
      }
      this.say({ running: false, error: code, detail: err instanceof Error ? err.message : String(err) });
      return false;
    } finally {
      await app.db.put("meta", "offset", app.clock.offset).catch(() => undefined);
    }
  }

  private async send(): Promise<void> {
    const want: [number, number][] = [];
    const again = new Set<number>(); // the gaps that were filled in this run
    let most = 500;
    for (let empty = 0, asked = false; ; asked = true) {
      const { journal } = app;
      const gap = want.shift();
      const first = gap ? Math.max(gap[0], journal.base.seq + 1) : app.sent.seq + 1;
      const to = gap ? Math.min(gap[1], journal.head.seq) : journal.head.seq;
      const from = first > to ? first : await journal.sendable(first, to);
      if (!gap && from > first) await app.setSent({ seq: from - 1, hash: (await journal.hashOf(from - 1)) ?? "" }); // what is lost
      if (gap && from > to) continue;
      if (from > to && asked && (app.checked.upto >= to || empty >= 2)) return;
      if (from > to) empty++;
      const prev = await journal.hashOf(from - 1);
      if (prev === undefined) throw new Refusal("lost", 0, `the hash of event ${from - 1} is lost`);
      const batch = from > to ? { events: [], damaged: [] } : await journal.batch(from, to, most);
      const last = from + batch.events.length - 1;
      let answer;
      try {
        answer = await app.office().sync({ from, prev, events: batch.events, ...(batch.damaged.length > 0 ? { damaged: batch.damaged } : {}), report: await app.report() });
      } catch (err) {
        if (!(err instanceof Refusal && err.code === "toolarge" && batch.events.length > 1)) throw err;
        most = Math.floor(batch.events.length / 2);
        if (gap) want.unshift([from, to]);
        continue;
      }
      if (batch.events.length > 0) {
        const head = (await journal.hashOf(last))!;
        if (!answer.receipt || !(await receiptHolds(app.device!.receipt_key, answer.receipt, { device: app.device!.device, from, to: last, head }))) {
          throw new Refusal("receipt", 0, `the receipt for ${from} to ${last} does not verify`);
        }
        if (from <= app.sent.seq + 1 && last > app.sent.seq) await app.setSent({ seq: last, hash: head });
        if (gap && last < to) want.unshift([last + 1, to]);
        this.say({ done: this.progress.done + batch.events.length, of: Math.max(this.progress.of, this.progress.done + batch.events.length + app.unsent) });
      }
      const c = answer.checkpoint;
      if (c) {
        if (!(await checkpointHolds(app.device!.receipt_key, c, app.device!.device, async (seq) => (seq < journal.base.seq ? c.head : journal.hashOf(seq))))) {
          throw new Refusal("checkpoint", 0, `the checkpoint of ${c.upto} does not verify`);
        }
        if (c.upto > app.checked.upto) await app.setChecked({ upto: c.upto, head: c.head, at: c.at });
      }
      for (const [a, b] of answer.want ?? []) {
        if (again.has(a) || a > app.sent.seq) continue;
        again.add(a);
        // What the office asks for it does not have any more, whatever it vouched for before.
        if (a <= app.checked.upto && b > journal.base.seq) await app.setChecked(c && c.upto < a ? { upto: c.upto, head: c.head, at: c.at } : { upto: 0, head: "", at: "" });
        want.push([a, Math.min(b, app.sent.seq)]);
      }
      if (answer.conflict && answer.conflict.length > 0) this.say({ conflict: [...new Set([...this.progress.conflict, ...answer.conflict])].slice(0, 100) });
    }
  }

  // prune deletes old events that the office has vouched for, and whose interview is over.
  private async prune(): Promise<void> {
    const { checked, journal } = app;
    if (checked.upto <= journal.base.seq || (await journal.hashOf(checked.upto)) !== checked.head) return;
    const old = app.clock.now().getTime() - app.device!.keep_days * 86_400_000;
    const over = (e: Event): boolean => {
      if (Date.parse(e.at) >= old) return false;
      if (e.wave === undefined || e.case === undefined) return true;
      const runs = app.overlay.of(e.wave, e.case).runs;
      if (runs.some((r) => r.state !== "finished")) return false;
      const there = app.find(e.wave, e.case);
      return !there || there.case.done;
    };
    await journal.prune(checked.upto, over);
  }

  // refresh fetches the work as it is now.
  async refresh(): Promise<void> {
    const work = await app.office().work();
    for (const w of await app.missingForms(work)) {
      await app.keepForm(w.id, await app.office().questionnaire(w.id, w.version));
    }
    await app.keepWork(work);
  }
}

export const sync = new Sync();
