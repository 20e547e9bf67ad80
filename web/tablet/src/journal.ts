// The journal: what happened on this tablet, one event after the other, each encrypted and
// chained to those before it. Nothing in it is ever changed, and nothing is deleted before
// the office has vouched for it.
import { Bytes, hex, text, unhex, utf8 } from "./bytes";
import { genesis, link } from "./chain";
import { Keys, openEvent, sealEvent, tagOf } from "./crypto";
import { Database, Tx } from "./db";
import { About, Content, Event, Stamp } from "./events";

// Rec is a record as it is kept. The tag names its case, and says whether it is a step of
// an interview, so that neither has to be decrypted to be found. Before is the hash of the
// record before, should that be lost.
export interface Rec {
  seq: number;
  hash: string;
  before: string;
  iv: Bytes;
  data: Bytes;
  tag: string;
}

// Mark is a place in the chain.
export interface Mark {
  seq: number;
  hash: string;
}

// Counts are the numbers of events of each kind over the life of the tablet.
export type Counts = Record<string, number>;

export const MAX_EVENT = 256 << 10;

// soon is how many steps are read when the app is opened.
const soon = 2000;

// TooLarge is an event that the office would not take.
export class TooLarge extends Error {}

export interface Opened {
  rec: Rec;
  event: Event;
  text: string;
}

export class Journal {
  private queue: Promise<unknown> = Promise.resolve();
  // damaged are the numbers of records that cannot be read.
  readonly damaged = new Set<number>();
  // saved is the highest number written since the app was opened.
  saved = 0;
  onSaved: (seq: number) => void = () => undefined;

  private constructor(private readonly db: Database, private readonly keys: Keys, public head: Mark, public base: Mark, public counts: Counts) {}

  // begin is a transaction that makes an empty journal, together with the device it is of: one
  // without the other would be of no use.
  static async begin(device: string, also: (tx: Tx) => void): Promise<(tx: Tx) => void> {
    const zero: Mark = { seq: 0, hash: hex(await genesis(device)) };
    return (tx) => {
      tx.put("meta", zero, "head");
      tx.put("meta", zero, "base");
      tx.put("meta", {}, "counts");
      also(tx);
    };
  }

  static async open(db: Database, keys: Keys): Promise<Journal> {
    const [head, base, counts] = await Promise.all([db.get<Mark>("meta", "head"), db.get<Mark>("meta", "base"), db.get<Counts>("meta", "counts")]);
    if (!head || !base) throw new Error("the journal has no beginning");
    return new Journal(db, keys, head, base, counts ?? {});
  }

  // append writes events, all or none, and returns the number of the last when they are on
  // the disk. Those who call meanwhile wait their turn.
  append(events: (Content & About)[], stamp: () => Stamp): Promise<number> {
    const turn = this.queue.then(() => this.write(events, stamp));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async write(events: (Content & About)[], stamp: () => Stamp): Promise<number> {
    let { seq, hash } = this.head;
    const counts = { ...this.counts };
    const recs: Rec[] = [];
    for (const e of events) {
      const whole: Event = { ...e, ...stamp() };
      const bytes = utf8(JSON.stringify(whole));
      if (bytes.length > MAX_EVENT) throw new TooLarge(`an event of ${bytes.length} bytes`);
      const before = hash;
      seq++;
      hash = hex(await link(unhex(before), seq, bytes));
      counts[e.kind] = (counts[e.kind] ?? 0) + 1;
      recs.push({ seq, hash, before, ...(await sealEvent(this.keys, seq, bytes)), tag: await this.tag(e, e.kind === "step") });
    }
    const head: Mark = { seq, hash };
    await this.db.write(["meta", "events"], async (tx) => {
      const there = (await tx.get<Mark>("meta", "head"))!;
      if (there.seq !== this.head.seq || there.hash !== this.head.hash) throw new Error("somebody else wrote to the journal");
      for (const r of recs) tx.add("events", r);
      tx.put("meta", head, "head");
      tx.put("meta", counts, "counts");
    });
    this.head = head;
    this.counts = counts;
    this.saved = seq;
    this.onSaved(seq);
    return seq;
  }

  private async tag(about: About, step: boolean): Promise<string> {
    return (await tagOf(this.keys, about.wave ?? "", about.case ?? "")) + (step ? "s" : "");
  }

  // read opens a record, or notes that it is damaged.
  private async read(rec: Rec): Promise<Opened | undefined> {
    try {
      const bytes = await openEvent(this.keys, rec.seq, rec);
      if (hex(await link(unhex(rec.before), rec.seq, bytes)) !== rec.hash) throw new Error("the hash is another");
      const words = text(bytes);
      return { rec, event: JSON.parse(words) as Event, text: words };
    } catch {
      this.damaged.add(rec.seq);
      return undefined;
    }
  }

  private async readAll(recs: Rec[]): Promise<Opened[]> {
    const out: Opened[] = [];
    for (let i = 0; i < recs.length; i += 64) { // a few at a time, so that the page stays alive
      for (const o of await Promise.all(recs.slice(i, i + 64).map((r) => this.read(r)))) if (o) out.push(o);
    }
    return out;
  }

  // check looks at the whole chain and reads the records, of the steps of interviews only
  // those after a number, and unless that is 0 the latest few thousand at most. What is missing
  // or cannot be read is damaged afterwards.
  async check(after: number): Promise<Opened[]> {
    const recs = await this.db.range<Rec>("events");
    if (after > 0) after = Math.max(after, this.head.seq - soon);
    let before = this.base;
    for (const r of recs) {
      for (let n = before.seq + 1; n < r.seq; n++) this.damaged.add(n);
      if (r.seq === before.seq + 1 && r.before !== before.hash) this.damaged.add(r.seq);
      before = { seq: r.seq, hash: r.hash };
    }
    for (let n = before.seq + 1; n <= this.head.seq; n++) this.damaged.add(n);
    if (before.seq === this.head.seq && before.hash !== this.head.hash) this.damaged.add(before.seq);
    return this.readAll(recs.filter((r) => !r.tag.endsWith("s") || r.seq > after));
  }

  // steps are the readable steps of the interviews of a case.
  async steps(about: About): Promise<Opened[]> {
    return this.readAll(await this.db.tagged<Rec>(await this.tag(about, true)));
  }

  // hashOf is h(seq), as far as the tablet still knows it.
  async hashOf(seq: number): Promise<string | undefined> {
    if (seq === this.head.seq) return this.head.hash;
    if (seq === this.base.seq) return this.base.hash;
    if (seq < this.base.seq || seq > this.head.seq) return undefined;
    return (await this.db.get<Rec>("events", seq))?.hash ?? (await this.db.get<Rec>("events", seq + 1))?.before;
  }

  // sendable is the first number from one on that can be sent, or the one after to: the hash of
  // a lost record is known from the next one only, so of several that follow each other none
  // can.
  async sendable(from: number, to: number): Promise<number> {
    let before = await this.hashOf(from - 1);
    for (let seq = from; seq <= to; seq++) {
      const own = await this.hashOf(seq);
      if (before !== undefined && own !== undefined) return seq;
      before = own;
    }
    return to + 1;
  }

  // batch are the texts of events from one number on, as many as one request may carry.
  // Of a damaged one it is the hash.
  async batch(from: number, to: number, most = 500, bytes = 500 << 10): Promise<{ events: string[]; damaged: number[] }> {
    const events: string[] = [];
    const damaged: number[] = [];
    const recs = new Map((await this.db.range<Rec>("events", IDBKeyRange.bound(from, Math.min(to, from + most - 1)))).map((r) => [r.seq, r]));
    let size = 0;
    for (let seq = from; seq <= to && events.length < most; seq++) {
      const rec = recs.get(seq);
      const opened = rec && !this.damaged.has(seq) ? await this.read(rec) : undefined;
      const words = opened?.text ?? (await this.hashOf(seq));
      if (words === undefined) { // lost, and its hash too
        if (events.length > 0) break;
        throw new Error(`event ${seq} is lost, and its hash too`);
      }
      size += JSON.stringify(words).length * (/[^\x00-\x7f]/.test(words) ? 3 : 1);
      if (events.length > 0 && size > bytes) break;
      if (!opened) damaged.push(seq);
      events.push(words);
    }
    return { events, damaged };
  }

  // prune deletes records from the beginning on, as long as may says that one can go, and
  // none after upto.
  async prune(upto: number, may: (e: Event) => boolean): Promise<number> {
    const recs = await this.db.range<Rec>("events", IDBKeyRange.bound(this.base.seq + 1, upto), 2000);
    let base = this.base;
    for (const r of recs) {
      if (r.seq !== base.seq + 1 || this.damaged.has(r.seq)) break;
      const o = await this.read(r);
      if (!o || !may(o.event)) break;
      base = { seq: r.seq, hash: r.hash };
    }
    const n = base.seq - this.base.seq;
    if (n === 0) return 0;
    await this.db.write(["meta", "events"], (tx) => {
      tx.remove("events", this.base.seq + 1, base.seq);
      tx.put("meta", base, "base");
    });
    this.base = base;
    return n;
  }
}
