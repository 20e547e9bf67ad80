// The list of cases, and one case with its attempts, notes and household.
import { app } from "./app";
import { box, button, choose, fault, h, labelled, notice } from "./dom";
import { forHouseholds, load, prepare } from "./engine";
import { Attempt, Case, Evidence, Listing, Person, Place, Wave } from "./events";
import { appointmentOf, CaseOverlay, currentRun, freshAttempts, lastAttempt, over, selectionOf, standingOf } from "./overlay";
import { act, go, render, show, syncLine, trouble } from "./shell";
import { day, field, find, fromField, said, t, time } from "./text";

const covers = (): number => app.work?.covers ?? 0;
export const caseHash = (what: string, wave: string, id: string): string => `#/${what}/${encodeURIComponent(wave)}/${encodeURIComponent(id)}`;
const name = (list: { code: string; name: Record<string, string> }[] | undefined, code: string): string => said(list?.find((x) => x.code === code)?.name) || code;

let filter = "open";
let search = "";

// stateWords says where a case stands.
function stateWords(c: Case, o: CaseOverlay): string {
  const s = standingOf(c, o);
  if (s === "finished") return t(currentRun(c, o)!.sent <= app.sent.seq ? "standing.sent" : "standing.finished");
  if (s === "open" || s === "parted" || s === "listed") return t(`standing.${s}`);
  return find("state." + c.state) ?? c.state;
}

const isDone = (c: Case, o: CaseOverlay): boolean => ["done", "finished"].includes(standingOf(c, o));

export async function workScreen(again: boolean): Promise<void> {
  const list = h("div", { id: "list" });
  const draw = (): void => {
    const now = app.clock.now().getTime();
    const wanted = search.trim().toLowerCase();
    let shown = 0;
    const parts: HTMLElement[] = [];
    for (const w of app.work!.waves) {
      const cases = (w.cases ?? []).map((c) => ({ c, o: app.overlay.of(w.id, c.id) })).filter(({ c, o }) =>
        (filter === "all" || isDone(c, o) === (filter === "done")) &&
        (!wanted || [c.id, c.place, ...(c.facts ?? []).map((f) => f.value)].some((x) => x.toLowerCase().includes(wanted))));
      if (cases.length === 0) continue;
      shown += cases.length;
      const section = h("section", {}, h("h2", {}, said(w.title)), w.open ? null : h("p", { class: "quiet" }, t("work.closed")));
      const due = cases.map((x) => ({ ...x, at: isDone(x.c, x.o) ? undefined : appointmentOf(x.c, x.o, covers()) })).filter((x) => x.at)
        .sort((a, b) => Date.parse(a.at!) - Date.parse(b.at!));
      if (due.length > 0) {
        section.append(h("h3", {}, t("work.appointments")), h("ul", { class: "plain" }, ...due.map((x) => card(w, x.c, x.o, x.at, Date.parse(x.at!) < now))));
      }
      const places = new Map<string, typeof cases>();
      for (const x of cases) {
        if (due.some((d) => d.c === x.c)) continue;
        const there = places.get(x.c.place);
        if (there) there.push(x);
        else places.set(x.c.place, [x]);
      }
      for (const [place, some] of places) {
        some.sort((a, b) => Number(b.c.returned !== undefined) - Number(a.c.returned !== undefined));
        section.append(h("h3", {}, place || t("work.noplace")), h("ul", { class: "plain" }, ...some.map((x) => card(w, x.c, x.o))));
      }
      parts.push(section);
    }
    list.replaceChildren(...parts, ...(shown === 0 ? [h("p", {}, t("work.none"))] : []));
  };
  const filters = h("select", { name: "filter", onchange: () => {
    filter = filters.value;
    draw();
  } }, ...(["open", "done", "all"] as const).map((f) => h("option", { value: f }, t(`work.filter.${f}`))));
  filters.value = filter;
  const query = h("input", { type: "search", name: "search", value: search, autocomplete: "off", oninput: () => {
    search = query.value;
    draw();
  } });
  draw();
  show("work", t("work.title"), [
    damageNotice(),
    h("p", { class: "quiet", id: "syncline" }, syncLine() + (app.work!.fetched ? " " + t("work.fetched", { at: time(app.work!.fetched) }) : "")),
    h("div", { class: "pair" }, labelled("filter", t("work.filter"), filters), labelled("search", t("work.search"), query)),
    list,
  ], { stay: again });
  void load().catch(() => undefined); // so that nobody waits for it at a door
}

// damageNotice says that records of the journal cannot be read.
export function damageNotice(): HTMLElement | null {
  const n = app.journal.damaged.size;
  return n === 0 ? null : h("div", { class: "summary before", role: "alert" }, h("p", {}, t("damaged", { n, list: [...app.journal.damaged].sort((a, b) => a - b).slice(0, 10).join(", ") })));
}

function card(w: Wave, c: Case, o: CaseOverlay, appointment?: string, late = false): HTMLElement {
  const n = c.attempts + freshAttempts(o, covers()).length;
  return h("li", {}, h("a", { class: "card" + (appointment ? " due" : "") + (c.returned !== undefined && !isDone(c, o) ? " back" : ""), href: caseHash("case", w.id, c.id), "data-do": "case", "data-case": c.id },
    h("strong", {}, c.id),
    ...(c.facts ?? []).slice(0, 4).map((f) => h("span", {}, said(f.name) + t("colon") + f.value)),
    h("span", { class: "standing" }, stateWords(c, o) + (n > 0 ? t("comma") + t("work.attempts", { n }) : "")),
    appointment ? h("span", { class: "appointment" }, t(late ? "work.appointment.late" : "work.appointment", { at: time(appointment) })) : null,
    c.returned !== undefined && !isDone(c, o) ? h("span", { class: "returned" }, t("case.returned", { reason: c.returned })) : null,
    c.withdrawn ? h("span", { class: "returned" }, t("case.withdrawn")) : null));
}

const sexes = ["", "man", "woman", "unknown"] as const;
const ageWords = (age: number): string => (age < 0 ? t("age.unknown") : t("age", { n: age }));
const sexWords = (sex: number): string => (sexes[sex] ? t(`sex.${sexes[sex] as "man" | "woman" | "unknown"}`) : "");

function selected(e: Evidence): HTMLElement {
  const p = e.listing.persons.find((x) => x.line === e.selection.line);
  return h("div", { class: "done", "data-selected": String(e.selection.line) },
    h("p", { class: "person" }, t("selected", { line: e.selection.line, sex: sexWords(p?.sex ?? 3), age: ageWords(p?.age ?? -1) })),
    h("p", {}, t("selected.stands", { k: e.selection.k })));
}

let told = ""; // what the next case screen has to say
export const tell = (words: string): void => {
  told = words;
};

export async function caseScreen(wave: string, id: string, again: boolean): Promise<void> {
  const found = app.find(wave, id);
  if (!found) return missing();
  const { wave: w, case: c } = found;
  const o = app.overlay.of(wave, id);
  const run = currentRun(c, o);
  const standing = standingOf(c, o);
  const selection = selectionOf(c, o);
  const ended = standing === "done" || standing === "finished";
  const attempts = [...freshAttempts(o, covers())].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const last = lastAttempt(c, o, covers());
  const message = told;
  told = "";
  const form = await app.form(wave, run?.version ?? w.version);
  if (form && !ended) prepare(form.compile);

  let interview: HTMLElement;
  if (ended) interview = h("p", { class: "done" }, t(standing === "done" ? "case.done" : "case.finished"));
  else if (!form) interview = h("p", { class: "quiet" }, t("case.noform"));
  else if (c.method !== 0 && !selection && !run) interview = h("p", { class: "quiet" }, t("case.first"));
  else if (!run && c.withdrawn) interview = h("p", { class: "quiet" }, t("case.withdrawn"));
  else if (!run && over(w, form.statutory?.valid_until, app.clock.now())) interview = h("p", { class: "quiet", "data-over": "" }, t("case.over"));
  else interview = h("p", { class: "buttons" }, h("a", { class: "button", href: caseHash("interview", wave, id), "data-do": run ? "resume" : "interview" }, t(run ? "case.resume" : "case.interview")));

  show("case", t("case.title", { id }), [
    message ? notice(h("p", {}, message)) : null,
    h("p", { class: "quiet" }, said(w.title) + (c.place ? " · " + c.place : "")),
    c.returned !== undefined && !ended ? h("div", { class: "summary calm" }, h("p", {}, t("case.returned", { reason: c.returned }))) : null,
    c.withdrawn ? h("div", { class: "summary calm" }, h("p", {}, t("case.withdrawn.text"))) : null,
    h("dl", { class: "statutory" },
      ...[...(c.facts ?? []).map((f) => [said(f.name), f.value] as const), [t("case.state"), stateWords(c, o)] as const,
        [t("case.attempts"), String(c.attempts + attempts.length)] as const].map(([dt, dd]) => h("div", {}, h("dt", {}, dt), h("dd", {}, dd)))),
    appointmentOf(c, o, covers()) && !ended ? h("p", { class: "appointment" }, t("work.appointment", { at: time(appointmentOf(c, o, covers())!) })) : null,
    c.method !== 0 ? h("section", {}, h("h2", {}, t("case.household")),
      selection ? selected(selection) : h("p", {}, t("case.household.text")),
      ended ? null : h("p", { class: "buttons" }, h("a", { class: "button" + (selection ? " plainly" : ""), href: caseHash("listing", wave, id), "data-do": "listing" }, t(selection ? "case.relist" : "case.list"))),
      o.relisted ? h("p", { class: "quiet" }, t("case.relisted")) : null) : null,
    h("section", {}, h("h2", {}, t("case.questionnaire")), interview),
    h("section", {}, h("h2", {}, t("case.attempts")),
      attempts.length > 0 ? h("ul", { class: "facts" }, ...attempts.map((a) => h("li", {}, attemptLine(a)))) :
        last ? h("p", {}, t("case.last", { line: attemptLine(last) })) : h("p", {}, t("case.noattempt")),
      h("p", { class: "buttons" }, h("a", { class: "button plainly", href: caseHash("attempt", wave, id), "data-do": "attempt" }, t("case.attempt")))),
    notesSection(wave, id, o),
    h("p", {}, h("a", { href: "#/work", "data-do": "back", class: "more" }, t("case.back"))),
  ], { stay: again });
}

function attemptLine(a: { at: string; contact: string; outcome: string; appointment?: string }): string {
  return [time(a.at), name(app.work?.contacts, a.contact), name(app.work?.outcomes, a.outcome), a.appointment ? t("attempt.agreed", { at: time(a.appointment) }) : ""].filter(Boolean).join(t("comma"));
}

function missing(): void {
  show("missing", t("missing.title"), [h("p", {}, t("missing.text")), h("p", {}, h("a", { href: "#/work", "data-do": "back" }, t("case.back")))]);
}

function notesSection(wave: string, id: string, o: CaseOverlay): HTMLElement {
  const text = h("textarea", { name: "note", rows: "3" });
  const save = button("note", t("note.button"), () => act(save, async () => {
    const words = text.value.trim();
    if (!words) return text.focus();
    if (new TextEncoder().encode(words).length > 6000) return trouble(new Error(t("note.long")));
    await app.record({ kind: "note", wave, case: id, text: words });
    told = t("note.saved");
    await render();
  }));
  return h("section", {}, h("h2", {}, t("note.title")),
    o.notes.length > 0 ? h("ul", { class: "facts" }, ...o.notes.map((n) => h("li", { class: "lines" }, time(n.at) + t("colon") + n.text))) : null,
    labelled("note", t("note.label"), text, t("note.hint")), h("p", { class: "buttons" }, save));
}

// failed puts a list of what is wrong above a form, each leading to its field.
function failed(errors: HTMLElement, wrong: { at: HTMLElement; words: string }[]): void {
  for (const old of document.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
  for (const w of wrong) w.at.setAttribute("aria-invalid", "true");
  const list = fault(h("h2", {}, t("form.wrong")), h("ul", {}, ...wrong.map((w) => h("li", {}, h("a", { href: "#", onclick: (e) => {
    e.preventDefault();
    w.at.focus();
  } }, w.words)))));
  errors.replaceChildren(list);
  list.focus();
}

export async function attemptScreen(wave: string, id: string, again: boolean, outcome0 = ""): Promise<void> {
  const found = app.find(wave, id);
  if (!found) return missing();
  const work = app.work!;
  const options = (list: { code: string; name: Record<string, string> }[]): { code: string; text: string }[] => list.map((x) => ({ code: x.code, text: said(x.name) || x.code }));
  const household = found.case.method !== 0;
  const outcomes = options(work.outcomes.filter((x) => (household ? x.household : x.person) || x.household === x.person));
  if (outcome0 && !outcomes.some((x) => x.code === outcome0)) outcomes.push({ code: outcome0, text: find("outcome." + outcome0) ?? outcome0 });
  const contact = choose("contact", options(work.contacts), work.contacts[0]?.code ?? "");
  const outcome = choose("outcome", outcomes, outcome0, t("choose"));
  const at = h("input", { type: "datetime-local", name: "at", value: field(app.clock.now()) });
  const appointment = h("input", { type: "datetime-local", name: "appointment" });
  const consent = h("input", { type: "checkbox", name: "place" });
  const where = h("p", { class: "quiet", id: "where", role: "status" });
  const errors = h("div");
  let place: Place | undefined;
  const locate = button("locate", t("attempt.locate"), () => act(locate, () => new Promise<void>((resolve) => {
    if (!consent.checked) return resolve();
    where.textContent = t("attempt.locating");
    navigator.geolocation.getCurrentPosition((p) => {
      if (!consent.checked) return resolve(); // it was taken back meanwhile
      locate.hidden = true; // one reading
      const round = (x: number): number => Math.round(x * 1000) / 1000;
      place = { lat: round(p.coords.latitude), lon: round(p.coords.longitude), accuracy: Math.max(Math.round(p.coords.accuracy), 100) };
      where.textContent = t("attempt.located", { n: place.accuracy });
      resolve();
    }, () => {
      where.textContent = t("attempt.nowhere");
      resolve();
    }, { enableHighAccuracy: false, timeout: 20_000, maximumAge: 60_000 });
  })), { hidden: true });
  consent.addEventListener("change", () => {
    locate.hidden = !consent.checked;
    if (!consent.checked) {
      place = undefined;
      where.textContent = "";
    }
  });
  const save = h("button", { class: "main", "data-do": "save" }, t("attempt.save"));
  const form = h("form", { novalidate: true, onsubmit: (e) => {
    e.preventDefault();
    for (const f of [contact, outcome, at, appointment]) f.removeAttribute("aria-invalid");
    const now = app.clock.now();
    let when = fromField(at.value);
    if (when && field(when) === field(now)) when = now; // with its seconds
    const agreed = appointment.value ? fromField(appointment.value) : undefined;
    const wrong: { at: HTMLElement; words: string }[] = [];
    if (!outcome.value) wrong.push({ at: outcome, words: t("attempt.outcome.missing") });
    if (!when) wrong.push({ at, words: t("attempt.at.missing") });
    else if (when.getTime() > now.getTime() + 300_000) wrong.push({ at, words: t("attempt.at.future") });
    if (outcome.value === "appointment" && !agreed) wrong.push({ at: appointment, words: t("attempt.appointment.missing") });
    if (when && agreed && agreed <= when) wrong.push({ at: appointment, words: t("attempt.appointment.before") });
    if (wrong.length > 0) return failed(errors, wrong);
    const attempt: Attempt = { at: when!.toISOString(), contact: contact.value, outcome: outcome.value, ...(agreed ? { appointment: agreed.toISOString() } : {}), ...(place ? { place } : {}) };
    void act(save, async () => {
      await app.record({ kind: "attempt", wave, case: id, attempt });
      told = t("attempt.saved");
      go(caseHash("case", wave, id));
    });
  } },
    errors,
    labelled("contact", t("attempt.contact"), contact),
    labelled("outcome", t("attempt.outcome"), outcome),
    labelled("at", t("attempt.at"), at),
    labelled("appointment", t("attempt.appointment"), appointment, t("attempt.appointment.hint")),
    h("fieldset", { class: "item" }, h("legend", {}, t("attempt.place")), h("p", { class: "hint" }, t("attempt.place.hint")), box("place", t("attempt.consent"), consent), locate, where),
    h("p", { class: "buttons" }, save, h("a", { class: "button plainly", href: caseHash("case", wave, id), "data-do": "cancel" }, t("cancel"))));
  show("attempt", t("attempt.title", { id }), [form], { stay: again });
}

const firstLines = 4;
const oddBelow = 16;
const oddAbove = 100;

// Draft is what was typed into a listing before it was complete.
interface Draft {
  lines: { sex: string; age: string; month: string; day: string; eligible: boolean }[];
  opener: string;
}
const drafts = new Map<string, Draft>();
export const forgetDrafts = (): void => drafts.clear();

function draftOf(l: Listing): Draft {
  const lines: Draft["lines"] = [];
  const most = Math.max(firstLines, ...l.persons.map((p) => p.line));
  for (let n = 1; n <= most; n++) {
    const p = l.persons.find((x) => x.line === n);
    lines.push({ sex: p ? String(sexes[p.sex] ?? "") : "", age: p && p.age >= 0 ? String(p.age) : "", month: p?.birthday.month ? String(p.birthday.month) : "", day: p?.birthday.day ? String(p.birthday.day) : "", eligible: p?.eligible ?? false });
  }
  return { lines, opener: String(l.opener) };
}

const emptyLine = (): Draft["lines"][number] => ({ sex: "", age: "", month: "", day: "", eligible: false });
const daysIn = (month: number): number => (month === 2 ? 29 : [4, 6, 9, 11].includes(month) ? 30 : 31);
const digits = (s: string): string => s.trim().replace(/[０-９]/g, (d) => String.fromCharCode(d.charCodeAt(0) - 0xfee0));
const between = (s: string, from: number, to: number): number | undefined => (/^\d{1,3}$/.test(s) && Number(s) >= from && Number(s) <= to ? Number(s) : undefined);

export async function listingScreen(wave: string, id: string, again: boolean): Promise<void> {
  const found = app.find(wave, id);
  if (!found || found.case.method === 0) return missing();
  const { wave: w, case: c } = found;
  const o = app.overlay.of(wave, id);
  const stands = selectionOf(c, o);
  const key = wave + "\n" + id;
  const draft: Draft = drafts.get(key) ?? (stands ? draftOf(o.relisted ?? stands.listing) : { lines: Array.from({ length: firstLines }, emptyLine), opener: "" });
  drafts.set(key, draft);
  const errors = h("div");
  const lines = h("div");
  const extra = h("div");
  const firstField = new Map<number, HTMLElement>();
  const drawLines = (): void => {
    lines.replaceChildren(...draft.lines.map((line, i) => {
      const n = i + 1;
      const set = (part: "sex" | "age" | "month" | "day") => (e: globalThis.Event) => {
        line[part] = (e.target as HTMLInputElement).value;
      };
      const sex = choose("sex" + n, (["man", "woman", "unknown"] as const).map((s) => ({ code: s, text: t(`sex.${s}`) })), line.sex, "");
      sex.addEventListener("change", set("sex"));
      firstField.set(n, sex);
      const input = (part: "age" | "month" | "day"): HTMLInputElement => h("input", { type: "text", inputmode: "numeric", name: part + n, value: line[part], autocomplete: "off", size: "4", oninput: set(part) });
      const eligible = h("input", { type: "checkbox", name: "eligible" + n, value: "yes", checked: line.eligible, onchange: () => {
        line.eligible = eligible.checked;
      } });
      const opener = h("input", { type: "radio", name: "opener", value: String(n), checked: draft.opener === String(n), onchange: () => {
        draft.opener = String(n);
      } });
      return h("fieldset", { class: "item line", "data-line": String(n) }, h("legend", {}, t("listing.line", { n })),
        h("div", { class: "parts" }, part("sex" + n, t("listing.sex"), sex), part("age" + n, t("listing.age"), input("age")),
          ...(c.method === 2 ? [part("month" + n, t("listing.month"), input("month")), part("day" + n, t("listing.day"), input("day"))] : [])),
        h("div", { class: "options" }, box("eligible" + n, t("listing.eligible"), eligible), box("opener" + n, t("listing.opener"), opener)));
    }));
  };
  const part = (pid: string, words: string, el: HTMLElement): HTMLElement => {
    el.id = pid;
    return h("div", { class: "part" }, h("label", { for: pid }, words), el);
  };
  drawLines();
  const nobodyOpened = h("input", { type: "radio", name: "opener", value: "0", checked: draft.opener === "0", onchange: () => {
    draft.opener = "0";
  } });
  const save = h("button", { class: "main", "data-do": "select" }, t(stands ? "listing.correct" : "listing.select"));
  const form = h("form", { novalidate: true, onsubmit: (e) => {
    e.preventDefault();
    void act(save, async () => {
      const wrong: { at: HTMLElement; words: string }[] = [];
      const persons: Person[] = [];
      const odd: number[] = [];
      draft.lines.forEach((line, i) => {
        const n = i + 1;
        const bad = (words: string): void => void wrong.push({ at: firstField.get(n)!, words: t("listing.in", { n, words }) });
        const age = digits(line.age);
        const [month, dayOf] = [digits(line.month), digits(line.day)];
        if (!line.sex && !age && !month && !dayOf && !line.eligible) {
          if (draft.opener === String(n)) bad(t("listing.opener.empty"));
          return;
        }
        const years = age === "" ? -1 : between(age, 0, 130);
        const m = month || dayOf ? between(month, 1, 12) : 0;
        const d = month || dayOf ? between(dayOf, 1, daysIn(m ?? 0)) : 0;
        const sex = sexes.indexOf(line.sex as "man");
        if (sex < 1) bad(t("listing.sex.missing"));
        if (years === undefined) bad(t("listing.age.wrong"));
        if (m === undefined || d === undefined) bad(t("listing.birthday.wrong"));
        if (years !== undefined && years >= 0 && line.eligible && (years < oddBelow || years > oddAbove)) odd.push(n);
        persons.push({ line: n, sex, age: years ?? -1, birthday: c.method === 2 ? { month: m ?? 0, day: d ?? 0 } : { month: 0, day: 0 }, eligible: line.eligible });
      });
      extra.replaceChildren();
      const first = firstField.get(1)!;
      if (wrong.length === 0 && persons.length === 0) wrong.push({ at: first, words: t("listing.empty") });
      const nobody = wrong.length === 0 && !persons.some((p) => p.eligible);
      if (nobody && !stands) {
        wrong.push({ at: first, words: t("listing.nobody") });
        extra.replaceChildren(h("div", { class: "note" }, h("p", {}, t("listing.none")),
          button("nobody", t("listing.record"), () => void go(caseHash("attempt", wave, id) + "/nobody-eligible"))));
      }
      if (wrong.length === 0 && draft.opener === "") wrong.push({ at: nobodyOpened, words: t("listing.who") });
      const sure = form.querySelector<HTMLInputElement>("input[name=sure]");
      if (wrong.length === 0 && odd.length > 0 && !sureOf(odd)) wrong.push({ at: first, words: t("listing.odd", { lines: odd.join(", "), from: oddBelow, to: oddAbove }) });
      if (odd.length > 0 && !stands) confirmOdd(odd, sure?.checked === true);
      if (wrong.length > 0) return failed(errors, wrong);
      const listing: Listing = { case: id, method: c.method, date: stands ? stands.listing.date : day(app.clock.now()), opener: Number(draft.opener), persons };
      const engine = await forHouseholds();
      if (stands) {
        const ok = engine.checkListing(listing);
        if (!ok.ok) throw new Error(ok.error);
        await app.record({ kind: "relist", wave, case: id, listing });
        tell(t("listing.corrected"));
      } else {
        if (!c.number || !c.commitment) throw new Error(t("listing.nonumber"));
        const got = engine.select(listing, c.number, c.commitment);
        if (!got.ok || !got.evidence) throw new Error(got.error);
        await app.record({ kind: "select", wave, case: id, evidence: got.evidence });
      }
      drafts.delete(key);
      go(caseHash("case", wave, id));
    });
  } },
    errors, extra, lines,
    h("p", {}, button("more", t("listing.more"), () => {
      if (draft.lines.length < 40) draft.lines.push(emptyLine(), emptyLine());
      drawLines();
      firstField.get(draft.lines.length - 1)?.focus();
    })),
    h("fieldset", { class: "item" }, h("legend", {}, t("listing.who.legend")), h("p", { class: "hint" }, t("listing.who.hint")), box("opener0", t("listing.other"), nobodyOpened)),
    h("p", { class: "quiet" }, t(stands ? "listing.stands" : "listing.warning")),
    h("p", { class: "buttons" }, save, h("a", { class: "button plainly", href: caseHash("case", wave, id), "data-do": "cancel" }, t("cancel"))));
  let confirmed = "";
  const sureOf = (odd: number[]): boolean => stands !== undefined || confirmed === odd.join();
  const confirmOdd = (odd: number[], before: boolean): void => {
    const sure = h("input", { type: "checkbox", name: "sure", value: "yes", checked: before && sureOf(odd), onchange: () => {
      confirmed = sure.checked ? odd.join() : "";
    } });
    extra.append(h("div", { class: "note" }, box("sure", t("listing.sure"), sure)));
  };
  show("listing", t(stands ? "listing.title.again" : "listing.title", { id }), [
    h("p", {}, t("listing.intro") + " " + t(c.method === 2 ? "listing.method.birthday" : "listing.method.kish")),
    h("p", {}, said(w.population) || t("listing.population", { survey: said(w.title) })),
    stands ? selected(stands) : null,
    form,
  ], { stay: again });
}

