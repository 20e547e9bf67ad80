// The screens between the tablet and the office: taking the tablet out, sending, bringing
// it back, and what the tablet says of itself.
import { app, build, engineHash } from "./app";
import { button, fault, h, notice } from "./dom";
import { Engine } from "./engine";
import { codeField, installHint, rescueButton, setToken } from "./entry";
import { Report } from "./events";
import { changePin } from "./pin";
import { damageNotice } from "./work";
import { act, render, saying, show, syncLine } from "./shell";
import { sync } from "./sync";
import { Key, size, t, time } from "./text";
import { apply, cached, waiting } from "./update";

interface Check {
  id: string;
  ok: boolean | undefined; // undefined: could not be found out
  words: string;
  way?: HTMLElement | string;
}

function checkList(checks: Check[]): HTMLElement {
  return h("ul", { class: "plain checks" }, ...checks.map((c) => h("li", { "data-check": c.id, "data-ok": c.ok === undefined ? "unknown" : String(c.ok), class: c.ok ? "good" : "bad" },
    h("span", { class: "mark", "aria-hidden": "true" }, c.ok ? "✓" : c.ok === undefined ? "?" : "✗"),
    h("span", {}, h("span", { class: "sr" }, t(c.ok ? "check.good" : c.ok === undefined ? "check.unknown" : "check.bad") + " "), c.words, c.ok ? null : typeof c.way === "string" ? h("span", { class: "way" }, c.way) : c.way ?? null))));
}

async function engineWorks(): Promise<boolean> {
  try {
    const e = await Engine.start();
    for (const w of app.work?.waves ?? []) {
      const f = await app.form(w.id, w.version);
      if (f && e.call(f.compile).error) return false;
    }
    return true;
  } catch {
    return false;
  }
}

// checksOf are those of a tablet that goes out. met says whether the office was reached.
async function checksOf(r: Report, met: boolean | undefined): Promise<Check[]> {
  const missing = app.work ? await app.missingForms(app.work) : [];
  const kept = await cached();
  return [
    { id: "persisted", ok: r.persisted, words: t("check.persisted"), way: h("span", { class: "way" }, t("check.persisted.way"), " ", askPersist()) },
    { id: "space", ok: app.roomy(r.quota, r.usage), words: t("check.space", { free: size(r.quota - r.usage) }), way: t("check.space.way") },
    { id: "clock", ok: met === undefined ? undefined : met && Math.abs(r.offset) < 300_000, words: t("check.clock", { n: Math.round(Math.abs(r.offset) / 1000) }), way: t(met ? "check.clock.way" : "check.network.way") },
    { id: "write", ok: r.write, words: t("check.write"), way: t("check.write.way") },
    { id: "copied", ok: r.copied, words: t("check.copied"), way: t("check.copied.way") },
    { id: "engine", ok: await engineWorks(), words: t("check.engine"), way: t("check.engine.way") },
    { id: "offline", ok: kept, words: t("check.offline"), way: t("check.offline.way") },
    { id: "questionnaires", ok: app.work ? missing.length === 0 : undefined, words: t("check.questionnaires"), way: t(app.work ? "check.questionnaires.way" : "check.questionnaires.later") },
  ];
}

function askPersist(): HTMLElement {
  const b = button("persist", t("check.persisted.button"), () => act(b, async () => {
    await navigator.storage?.persist?.();
    await render(true);
  }));
  return b;
}

export async function checkoutScreen(again: boolean): Promise<void> {
  let met: boolean | undefined;
  let said = "";
  if (navigator.onLine) {
    met = await sync.run();
    if (!met) said = t(("error." + sync.progress.error) as Key);
    if (!app.open) return render();
  }
  const r = await app.report();
  const checks = await checksOf(r, met);
  const fetch = h("button", { type: "button", class: "main", "data-do": "fetch", onclick: () => void act(fetch, async () => {
    if (!((await navigator.storage?.persisted?.()) ?? false)) throw new Error(t("checkout.persist"));
    if (!(await sync.run())) throw Object.assign(new Error(sync.progress.detail), { code: sync.progress.error });
    await sync.refresh();
    await app.record({ kind: "checkout", report: await app.report() });
    await sync.run();
    await render();
  }) }, t(app.work ? "checkout.again" : "checkout.fetch"));
  const all = checks.every((c) => c.ok);
  const n = (app.work?.waves ?? []).reduce((sum, w) => sum + (w.cases?.length ?? 0), 0);
  show("checkout", t("checkout.title"), [
    said && !met ? fault(h("p", {}, said)) : null,
    app.work ? notice(h("p", {}, t(all ? "checkout.ready" : "checkout.notready", { n }))) : null,
    h("p", {}, t("checkout.lead")),
    checkList(checks),
    r.persisted ? null : installHint(),
    h("p", { class: "buttons" }, fetch, button("again", t("checkout.check"), () => render()),
      app.work ? h("a", { class: "button plainly", href: "#/work", "data-do": "work" }, t("checkout.work")) : null),
  ], { stay: again });
}

function numbers(pairs: [string, string | number][]): HTMLElement {
  return h("dl", { class: "statutory" }, ...pairs.map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, String(v)))));
}

let unknown = false; // whether the office did not know the tablet when it was last reached

// enrolAgain is for an office that does not know the tablet any more.
function enrolAgain(): HTMLElement {
  const { field, input, found } = codeField();
  const b = h("button", { type: "button", "data-do": "enrol-again", onclick: () => void act(b, async () => {
    const token = found();
    if (!token) {
      input.focus();
      throw new Error(t("setup.code.wrong"));
    }
    await app.enrolAgain(token);
    setToken("");
    await sync.refresh();
    await sync.run();
    await render();
  }) }, t("again.button"));
  return h("section", { id: "again" }, h("h2", {}, t("again.title")), h("p", {}, t("again.text")), field, h("p", { class: "buttons" }, b));
}

export async function syncScreen(again: boolean): Promise<void> {
  const p = sync.progress;
  if (!p.running) unknown = p.error === "device-unknown";
  const { journal, sent, checked } = app;
  const send = h("button", { type: "button", class: "main", "data-do": "send", onclick: () => void act(send, async () => {
    await sync.run();
    if (location.hash === "#/sync") await render(true);
  }) }, t("sync.button"));
  send.disabled = p.running;
  show("sync", t("sync.title"), [
    damageNotice(),
    p.error ? h("div", { class: "summary before", role: "alert", "data-error": p.error }, h("p", {}, saying(Object.assign(new Error(p.detail), { code: p.error })))) : null,
    unknown ? enrolAgain() : null,
    p.conflict.length > 0 ? h("div", { class: "summary before", role: "alert" }, h("p", {}, t("sync.conflict", { list: p.conflict.join(", ") }))) : null,
    h("p", { id: "syncline", role: "status" }, syncLine()),
    p.running ? h("div", { class: "progress" }, h("label", { for: "sending" }, t("sync.running", { n: p.done, of: p.of })), h("progress", { id: "sending", max: Math.max(1, p.of), value: p.done })) : null,
    numbers([
      [t("sync.written"), journal.head.seq], [t("sync.sent"), sent.seq], [t("sync.checked"), checked.upto],
      ...(checked.at ? [[t("sync.checked.at"), time(checked.at)] as [string, string]] : []), [t("sync.damaged"), journal.damaged.size],
    ]),
    h("p", { class: "quiet" }, t("sync.words", { days: app.device!.keep_days })),
    h("p", { class: "buttons" }, send, h("a", { class: "button plainly", href: "#/checkin", "data-do": "checkin" }, t("checkin.go"))),
  ], { stay: again });
}

let broughtBack: { ok: boolean; words: string } | undefined;

export async function checkinScreen(again: boolean): Promise<void> {
  const b = h("button", { type: "button", class: "main", "data-do": "checkin-now", onclick: () => void act(b, async () => {
    broughtBack = undefined;
    if (!(await sync.run())) throw Object.assign(new Error(sync.progress.detail), { code: sync.progress.error });
    await app.record({ kind: "checkin", report: await app.report() });
    const last = app.journal.head.seq;
    let ok = await sync.run();
    for (let n = 0; ok && app.checked.upto < last && n < 5; n++) { // the office may still be carrying things out
      await new Promise((done) => setTimeout(done, 1000 * 2 ** n));
      ok = await sync.run();
    }
    if (!ok) throw Object.assign(new Error(sync.progress.detail), { code: sync.progress.error });
    const r = await app.report();
    const underWay = app.overlay.all().reduce((n, c) => n + c.of.runs.filter((x) => x.state !== "finished").length, 0);
    broughtBack = app.checked.upto >= last && app.checked.head === (await app.journal.hashOf(app.checked.upto))
      ? { ok: true, words: t("checkin.done", { n: last, finished: r.finished, parted: r.parted, attempts: r.attempts, selections: r.selections }) + (underWay > 0 ? " " + t("checkin.open", { n: underWay }) : "") }
      : { ok: false, words: t("checkin.notyet", { upto: app.checked.upto, n: last }) };
    await render();
  }) }, t("checkin.button"));
  const done = broughtBack;
  broughtBack = undefined;
  const r = await app.report();
  show("checkin", t("checkin.title"), [
    done ? (done.ok ? notice(h("p", { "data-checkin": "done" }, done.words)) : fault(h("p", { "data-checkin": "open" }, done.words))) : null,
    h("p", {}, t("checkin.lead")),
    numbers([[t("count.finished"), r.finished], [t("count.parted"), r.parted], [t("count.open"), r.open], [t("count.attempts"), r.attempts], [t("count.selections"), r.selections],
      [t("sync.written"), r.last], [t("sync.checked"), app.checked.upto]]),
    h("p", { class: "buttons" }, b, h("a", { class: "button plainly", href: "#/sync", "data-do": "sync" }, t("checkin.back"))),
  ], { stay: again });
}

export async function deviceScreen(again: boolean): Promise<void> {
  const r = await app.report();
  const checks = await checksOf(r, navigator.onLine ? app.sent.at !== "" || undefined : undefined);
  const d = app.device!;
  const verify = h("button", { type: "button", "data-do": "verify", onclick: () => void act(verify, async () => {
    await app.journal.check(0);
    verified = t("device.verified", { n: app.journal.head.seq - app.journal.base.seq, damaged: app.journal.damaged.size });
    await render(true);
  }) }, t("device.verify"));
  const message = verified;
  verified = "";
  show("device", t("device.title"), [
    damageNotice(),
    message ? notice(h("p", {}, message)) : null,
    waiting() ? h("div", { class: "summary calm", id: "update" }, h("p", {}, t("update.text")), button("update", t("update.button"), () => apply())) : null,
    checkList(checks),
    h("p", { class: "buttons" }, h("a", { class: "button", href: "#/checkout", "data-do": "checkout" }, t("device.checkout"))),
    h("h2", {}, t("device.about")),
    numbers([
      [t("device.name"), d.name], [t("device.account"), d.account.name || d.account.login], [t("device.id"), d.device],
      [t("device.app"), build()], [t("device.engine"), engineHash.slice(0, 16)],
      ...r.questionnaires.map((q) => [t("device.questionnaire"), q] as [string, string]),
      [t("device.storage"), t("device.storage.of", { used: size(r.usage), of: size(r.quota) })],
      ...(r.battery !== undefined ? [[t("device.battery"), Math.round(100 * r.battery) + " %" + (r.charging ? t("comma") + t("device.charging") : "")] as [string, string]] : []),
    ]),
    h("h2", {}, t("device.counts")),
    numbers([[t("count.finished"), r.finished], [t("count.parted"), r.parted], [t("count.open"), r.open], [t("count.attempts"), r.attempts], [t("count.selections"), r.selections], [t("count.relists"), r.relists], [t("count.notes"), r.notes],
      [t("count.kept"), app.journal.head.seq - app.journal.base.seq], [t("sync.damaged"), r.damaged], [t("count.restored"), r.restored]]),
    h("p", { class: "buttons" }, verify),
    changePin(),
    h("h2", {}, t("rescue.title")), h("p", {}, t("rescue.text")), rescueButton(),
    installHint(),
  ], { stay: again });
}

let verified = "";
