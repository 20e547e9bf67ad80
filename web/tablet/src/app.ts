// The state of the app, and what it takes to open and lock it.
import { base64, Bytes, random, text as asText, utf8 } from "./bytes";
import { Clock } from "./clock";
import { Box, boxFor, keysOf, Keys, openThing, pinKey, Sealed, sealThing, unwrap, wrap } from "./crypto";
import { Database } from "./db";
import { About, Case, Content, Event, Report, Wave, Work } from "./events";
import { Journal, Mark, Rec } from "./journal";
import { Office, QuestionnaireAnswer, Refusal } from "./net";
import { currentRun, Overlay } from "./overlay";
import { rescueLines } from "./rescue";

declare const ENGINE: string;

// Device is what the tablet knows of itself, readable without the PIN. Of a revoked one the
// wrapped key and the secret are gone.
export interface Device {
  device: string;
  name: string;
  account: { login: string; name: string };
  receipt_key: string;
  rescue_key: string;
  keep_days: number;
  salt: Bytes;
  wrapped: Sealed | null;
  secret: Sealed | null;
  box: Box;
  revoked?: string;
}

// Pending is an enrolment of which the answer is not known yet: repeated with the same
// values it gives the same answer.
export interface Pending {
  token: string;
  device: string;
  secret: string;
}

// Form is a questionnaire as it is kept: what the screens show of it, and the message that
// the engine compiles it from.
export interface Form {
  version: string;
  compile: string;
  title: Record<string, string>;
  consent?: Record<string, string>;
  languages: string[];
  statutory?: { form_number?: string; issuer?: Record<string, string>; approval?: Record<string, string>; valid_until?: string; trial?: boolean };
}

export interface Checked {
  upto: number;
  head: string;
  at: string;
}

export const build = (): string => document.documentElement.dataset["build"] ?? "dev";
export const engineHash: string = ENGINE;

// enough is how much room there must be, unless it is twenty times what is needed.
const enough = 200 << 20;

class App {
  db!: Database;
  device: Device | undefined;
  keys: Keys | undefined;
  journal!: Journal;
  clock = new Clock();
  overlay = new Overlay();
  work: Work | undefined;
  sent: Mark & { at: string } = { seq: 0, hash: "", at: "" };
  checked: Checked = { upto: 0, head: "", at: "" };
  private run = 0;
  private secret = "";
  // changed is called when something was written to the journal.
  changed: () => void = () => undefined;

  async start(): Promise<void> {
    this.db = await Database.open();
    this.device = await this.db.get<Device>("meta", "device");
    this.clock.offset = (await this.db.get<number>("meta", "offset")) ?? 0;
  }

  get open(): boolean {
    return this.keys !== undefined;
  }

  get unsent(): number {
    return this.journal.head.seq - this.sent.seq;
  }

  // enrol makes the tablet one of the account's. A second try after a lost answer repeats
  // the first one.
  async enrol(token: string, name: string, pin: string): Promise<void> {
    let pending = await this.db.get<Pending>("meta", "pending");
    if (pending?.token !== token) {
      pending = { token, device: crypto.randomUUID(), secret: base64(random(32)) };
      await this.db.put("meta", "pending", pending);
    }
    const answer = await new Office(this.clock, "").enrol({ ...pending, name });
    const { device } = pending;
    const k = random(32);
    const salt = random(16);
    const keys = await keysOf(k, device);
    const made: Device = {
      device, name, account: answer.account, receipt_key: answer.receipt_key, rescue_key: answer.rescue_key, keep_days: answer.keep_days, salt,
      wrapped: await wrap(await pinKey(pin, salt), k, device),
      secret: await sealThing(keys, "secret", utf8(pending.secret)),
      box: await boxFor(answer.rescue_key, k, device, pending.secret),
    };
    await this.db.write(["meta"], await Journal.begin(device, (tx) => {
      tx.put("meta", made, "device");
      tx.put("meta", this.clock.offset, "offset");
      tx.remove("meta", "pending");
    }));
    k.fill(0);
    this.device = made;
    await this.enter(keys);
  }

  // enrolAgain makes the tablet known to an office that has lost it, as one does that was put
  // back to an earlier state. Number, secret and journal stay. The cases are fetched before
  // anything is sent, as what the office does not know to be given it only holds.
  async enrolAgain(token: string): Promise<void> {
    const d = this.device as Device;
    const answer = await new Office(this.clock, "").enrol({ token, device: d.device, secret: this.secret, name: d.name });
    if (answer.receipt_key !== d.receipt_key || answer.rescue_key !== d.rescue_key) throw new Refusal("other-office", 0, "the keys are those of another office");
    await this.db.put("meta", "device", { ...d, account: answer.account });
    this.device = { ...d, account: answer.account };
  }

  // unlock says whether the PIN was right.
  async unlock(pin: string): Promise<boolean> {
    const d = this.device;
    if (!d?.wrapped) return false;
    let k: Bytes;
    try {
      k = await unwrap(await pinKey(pin, d.salt), d.wrapped, d.device);
    } catch {
      return false;
    }
    const keys = await keysOf(k, d.device);
    k.fill(0);
    await this.enter(keys);
    return true;
  }

  // changePin wraps the key anew, and says whether the old PIN was right. What the old one opens
  // is kept nowhere.
  async changePin(old: string, pin: string): Promise<boolean> {
    const d = this.device as Device;
    let k: Bytes;
    try {
      k = await unwrap(await pinKey(old, d.salt), d.wrapped!, d.device);
    } catch {
      return false;
    }
    const salt = random(16);
    const made = { ...d, salt, wrapped: await wrap(await pinKey(pin, salt), k, d.device) };
    k.fill(0);
    await this.db.put("meta", "device", made);
    this.device = made;
    await this.db.forget();
    return true;
  }

  // enter reads what is kept, with the key in hand. The first time after the app was opened
  // it says so in the journal.
  private async enter(keys: Keys): Promise<void> {
    const d = this.device as Device;
    const saved = this.run === 0 ? 0 : this.journal.saved;
    this.journal = await Journal.open(this.db, keys);
    this.journal.saved = saved;
    this.journal.onSaved = (seq) => {
      document.documentElement.dataset["saved"] = String(seq);
    };
    const [sent, checked] = await Promise.all([this.db.get<Mark & { at: string }>("meta", "sent"), this.db.get<Checked>("meta", "checked")]);
    this.sent = sent ?? { seq: this.journal.base.seq, hash: this.journal.base.hash, at: "" };
    if (checked) this.checked = checked;
    this.overlay = new Overlay();
    for (const o of await this.journal.check(this.sent.seq)) this.overlay.add(o.rec.seq, o.event);
    // Neither must keep anybody from the journal: work can be fetched again.
    this.secret = d.secret ? await openThing(keys, "secret", d.secret).then(asText, () => "") : "";
    this.work = await this.readThing<Work>("work", keys).catch(() => undefined);
    this.keys = keys;
    const back = this.overlay.last ? this.clock.notBefore(this.overlay.last) : 0;
    if (this.run > 0) return;
    this.run = ((await this.db.get<number>("meta", "run")) ?? 0) + 1;
    await this.db.put("meta", "run", this.run).catch(() => undefined); // a full disk must not lock anybody out
    const events: (Content & About)[] = [{ kind: "open", app: build(), engine: engineHash, agent: navigator.userAgent.slice(0, 300), offset: this.clock.offset }];
    if (back !== 0) events.push({ kind: "clock", moved: back });
    await this.record(...events).catch(() => undefined);
  }

  // lock forgets the key and everything that was read with it.
  lock(): void {
    this.keys = undefined;
    this.secret = "";
    this.work = undefined;
    this.overlay = new Overlay();
  }

  // record writes events to the journal and returns when they are safe.
  async record(...events: (Content & About)[]): Promise<number> {
    if (!this.open) throw new Error("the tablet is locked");
    const moved = this.clock.moved();
    if (moved !== 0) events.unshift({ kind: "clock", moved });
    const stamps: { at: string; mono: number; run: number }[] = [];
    const last = await this.journal.append(events, () => {
      const stamp = { ...this.clock.stamp(), run: this.run };
      stamps.push(stamp);
      return stamp;
    });
    events.forEach((e, i) => this.overlay.add(last - events.length + 1 + i, { ...e, ...stamps[i] } as Event));
    this.changed();
    return last;
  }

  // seeClock records a jump of the tablet's clock.
  async seeClock(): Promise<void> {
    const moved = this.open ? this.clock.moved() : 0;
    if (moved !== 0) await this.record({ kind: "clock", moved });
  }

  office(): Office {
    return new Office(this.clock, this.device!.device + "." + this.secret);
  }

  // revoke is what the office's word that the tablet is no longer one of its own comes to:
  // the way to the data is destroyed here, and only the office can read them.
  async revoke(): Promise<void> {
    const d = this.device as Device;
    this.device = { ...d, wrapped: null, secret: null, salt: new Uint8Array(0), revoked: this.clock.now().toISOString() };
    await this.db.put("meta", "device", this.device);
    await this.db.remove("packages", "", "\uffff").catch(() => undefined);
    await this.db.forget().catch(() => undefined);
    this.lock();
  }

  private async readThing<T>(name: string, keys: Keys): Promise<T | undefined> {
    const s = await this.db.get<Sealed>("packages", name);
    return s && (JSON.parse(asText(await openThing(keys, name, s))) as T);
  }

  // keepWork stores work that was fetched. A case that is not in it any more stays when
  // something of its interview is on this tablet only.
  async keepWork(fresh: Work): Promise<void> {
    const kept: Work = { ...fresh, covers: this.checked.upto, fetched: this.clock.now().toISOString(), waves: fresh.waves.map((w) => ({ ...w, cases: [...(w.cases ?? [])] })) };
    for (const old of this.work?.waves ?? []) {
      for (const c of old.cases ?? []) {
        const wave = kept.waves.find((w) => w.id === old.id);
        if (wave?.cases?.some((x) => x.id === c.id)) continue;
        const run = currentRun(c, this.overlay.of(old.id, c.id));
        if (!run || run.state === "finished") continue;
        if (wave) wave.cases!.push({ ...c, withdrawn: true });
        else kept.waves.push({ ...old, open: false, cases: [{ ...c, withdrawn: true }] });
      }
    }
    const keys = this.keys;
    if (!keys) return;
    await this.db.put("packages", "work", await sealThing(keys, "work", utf8(JSON.stringify(kept))));
    this.work = kept;
    await this.forgetForms(kept);
    if (this.device && this.device.keep_days !== fresh.keep_days && fresh.keep_days > 0) {
      this.device = { ...this.device, keep_days: fresh.keep_days };
      await this.db.put("meta", "device", this.device);
    }
  }

  // forgetForms deletes questionnaires of which no interview will be held here any more.
  private async forgetForms(work: Work): Promise<void> {
    const needed = new Set(work.waves.map((w) => `form ${w.id} ${w.version}`));
    for (const { wave, of } of this.overlay.all()) for (const r of of.runs) if (r.state !== "finished") needed.add(`form ${wave} ${r.version}`);
    for (const key of (await this.db.keys("packages")).map(String)) if (key.startsWith("form ") && !needed.has(key)) await this.db.remove("packages", key);
  }

  find(wave: string, id: string): { wave: Wave; case: Case } | undefined {
    const w = this.work?.waves.find((x) => x.id === wave);
    const c = w?.cases?.find((x) => x.id === id);
    return w && c && { wave: w, case: c };
  }

  form(wave: string, version: string): Promise<Form | undefined> {
    return this.db.get<Form>("packages", `form ${wave} ${version}`);
  }

  // missingForms are the questionnaires of the work that are not on the tablet.
  async missingForms(work: Work): Promise<Wave[]> {
    const there = new Set((await this.db.keys("packages")).map(String));
    return work.waves.filter((w) => !there.has(`form ${w.id} ${w.version}`));
  }

  async keepForm(wave: string, a: QuestionnaireAnswer): Promise<void> {
    const q = a.questionnaire as Omit<Form, "version" | "compile">;
    const form: Form = {
      version: a.version, compile: JSON.stringify({ do: "compile", questionnaire: a.questionnaire, lists: a.lists ?? [] }),
      title: q.title, consent: q.consent, languages: q.languages, statutory: q.statutory,
    };
    await this.db.put("packages", `form ${wave} ${a.version}`, form);
  }

  async setSent(m: Mark): Promise<void> {
    this.sent = { ...m, at: this.clock.now().toISOString() };
    await this.db.put("meta", "sent", this.sent);
  }

  async setChecked(c: Checked): Promise<void> {
    this.checked = c;
    await this.db.put("meta", "checked", c);
  }

  async report(): Promise<Report> {
    const estimate = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
    const battery = await (navigator as unknown as { getBattery?: () => Promise<{ level: number; charging: boolean }> }).getBattery?.().catch(() => undefined);
    const n = (kind: string): number => this.journal.counts[kind] ?? 0;
    return {
      app: build(), engine: engineHash,
      questionnaires: (this.work?.waves ?? []).map((w) => w.id + " " + w.version),
      persisted: (await navigator.storage?.persisted?.().catch(() => false)) ?? false,
      quota: estimate.quota ?? 0, usage: estimate.usage ?? 0,
      write: await this.tryWrite(), copied: await this.db.copied(), restored: await this.db.restored(), offset: this.clock.offset,
      ...(battery ? { battery: battery.level, charging: battery.charging } : {}),
      run: this.run, mono: this.clock.mono(), last: this.journal.head.seq, unsent: this.unsent, damaged: this.journal.damaged.size,
      open: this.overlay.all().reduce((sum, c) => sum + c.of.runs.filter((r) => r.state === "open").length, 0),
      begun: n("begin"), finished: n("finish"), parted: n("part"), attempts: n("attempt"), selections: n("select"), relists: n("relist"), notes: n("note"),
    };
  }

  // tryWrite writes and reads back.
  async tryWrite(): Promise<boolean> {
    try {
      const probe = random(65536);
      const back = await this.db.probe(probe);
      return back !== undefined && base64(back) === base64(probe);
    } catch {
      return false;
    }
  }

  roomy(quota: number, usage: number): boolean {
    return quota - usage >= enough || (usage > 0 && quota - usage >= 20 * Math.max(usage, 10 << 20));
  }

  // rescue makes the file for the office. It needs no PIN.
  async rescue(): Promise<Blob> {
    const d = this.device as Device;
    const base = (await this.db.get<Mark>("meta", "base")) as Mark;
    const head = { device: d.device, made: this.clock.now().toISOString(), prev: base.hash, key: d.box, ...(this.open ? { report: await this.report() } : {}) };
    return new Blob(rescueLines(head, await this.db.range<Rec>("events")), { type: "application/x-ndjson" });
  }
}

export const app = new App();

// tokenIn finds the code of an enrolment in what was scanned or pasted.
export function tokenIn(pasted: string): string {
  const at = pasted.indexOf("#e=");
  const code = decodeURIComponent((at < 0 ? pasted : pasted.slice(at + 3)).trim());
  return /^[\w.~-]{8,}$/.test(code) ? code : "";
}

// weak says whether a PIN is one of those that are tried first.
export function weak(pin: string): boolean {
  const digits = [...pin].map(Number);
  const step = (d: number): boolean => digits.every((x, i) => i === 0 || (x - digits[i - 1]! + 10) % 10 === (d + 10) % 10);
  const half = pin.length / 2;
  const third = pin.length / 3;
  return step(0) || step(1) || step(-1) || new Set(digits).size < 3 ||
    (Number.isInteger(half) && pin.slice(0, half) === pin.slice(half)) || (Number.isInteger(third) && pin.slice(0, third).repeat(3) === pin) ||
    digits.every((x, i) => i % 2 === 0 || x === digits[i - 1]);
}


