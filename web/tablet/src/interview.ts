// An interview: the engine asks, the tablet draws, and every answer goes into the journal
// before anything says that it is saved.
import { app, Form } from "./app";
import { box, button, fault, h, notice } from "./dom";
import { Engine, engineFor, Problem, Reply, State } from "./engine";
import { Case, Message, Wave } from "./events";
import { idOf, mild, Paper, problemWords } from "./draw";
import { currentRun, over, Run, selectionOf } from "./overlay";
import { act, go, ready, saying, show, tellSaved, trouble, wait } from "./shell";
import { sync } from "./sync";
import { find, langTag, language, said, t } from "./text";
import { caseHash, tell } from "./work";

const languageNames: Record<string, string> = { zh: "中文", en: "English" };

// Interview is one under way.
class Interview {
  state!: State;
  private unsaved: Message[] = [];
  private writing: Promise<void> = Promise.resolve();
  failed: unknown;
  // told says how far the writing is.
  told: (state: "saving" | "saved" | "failed") => void = () => undefined;

  constructor(readonly wave: Wave, readonly case_: Case, readonly form: Form, readonly run: Run, private readonly engine: Engine) {}

  about(): { wave: string; case: string } {
    return { wave: this.wave.id, case: this.case_.id };
  }

  take(r: Reply): Reply {
    if (r.error) throw new Error(r.error);
    if (r.state) this.state = r.state;
    return r;
  }

  // replay takes the interview up from the steps in the journal.
  replay(steps: Message[]): void {
    const { booklet, seed, lang } = this.run;
    this.take(this.engine.call({ do: "replay", messages: [{ do: "start", booklet, seed, lang }, ...steps] }));
  }

  // ask has the engine do something without a trace in the journal.
  ask(m: Message): Reply {
    return this.take(this.engine.call(m));
  }

  // step has the engine do something, and writes down that it did.
  step(m: Message): Reply {
    const r = this.take(this.engine.call(m));
    this.unsaved.push(m);
    void this.save();
    return r;
  }

  get dirty(): boolean {
    return this.unsaved.length > 0;
  }

  // save writes what is not written yet, and says whether all is.
  async save(): Promise<boolean> {
    this.told("saving");
    this.writing = this.writing.then(async () => {
      const some = [...this.unsaved];
      if (some.length === 0) return;
      try {
        await app.record(...some.map((message) => ({ kind: "step" as const, ...this.about(), interview: this.run.interview, message })));
        this.unsaved.splice(0, some.length);
        this.failed = undefined;
      } catch (err) {
        this.failed = err;
      }
    });
    await this.writing;
    if (this.unsaved.length > 0 && this.failed === undefined) return this.save();
    this.told(this.failed === undefined ? "saved" : "failed");
    return this.failed === undefined;
  }

  body(result: NonNullable<Reply["result"]>, partial: boolean): string {
    const { interview: id, version, began, booklet } = this.run;
    const revision = Math.max(this.run.revision, this.case_.interview === id ? this.case_.revision : 0);
    const finished = app.clock.stamp().at;
    const started = began < finished ? began : finished; // the clock was put right in between
    return JSON.stringify({
      id, revision, survey: this.wave.survey, version, ...{ wave: this.wave.id, case: this.case_.id }, mode: "tablet", lang: this.state.lang,
      started, finished, answers: result.answers, ...(booklet ? { booklet } : {}),
      ...(partial ? { partial: true, last: result.last ?? "" } : {}), paradata: result.paradata,
    });
  }
}

let under: Interview | undefined;
let paper: Paper | undefined;
let paperOf = ""; // the page that is on the paper
let shownAt = 0;

// leave forgets the interview in memory; the journal has it.
export function leave(): void {
  paper?.flush();
  under = undefined;
  paper = undefined;
}

// flush keeps what is being typed.
export const flush = (): void => paper?.flush();

// settled writes what is not written yet, and says whether nothing would be lost now.
export async function settled(): Promise<boolean> {
  paper?.flush();
  return !under?.dirty || under.save();
}

// back shows the interview again that could not be left, because answers are not saved.
export function back(): void {
  if (!under) return;
  history.replaceState(null, "", caseHash("interview", under.wave.id, under.case_.id));
  drawPage([], false);
}

export async function interviewScreen(wave: string, id: string, again: boolean): Promise<void> {
  const found = app.find(wave, id);
  if (!found) return go("#/work");
  const { wave: w, case: c } = found;
  const run = currentRun(c, app.overlay.of(wave, id));
  if (run?.state === "finished" || (c.done && !run)) return go(caseHash("case", wave, id));
  if (under && run && under.case_.id === id && under.wave.id === wave && under.run.from === run.from) return drawPage([], again);
  if (!(await settled())) return back();
  leave();
  const form = await app.form(wave, run?.version ?? w.version);
  if (!form) return go(caseHash("case", wave, id));
  if (!run) {
    if (over(w, form.statutory?.valid_until, app.clock.now())) return go(caseHash("case", wave, id));
    if (c.method !== 0 && !selectionOf(c, app.overlay.of(wave, id))) return go(caseHash("case", wave, id));
    return consent(w, c, form, again);
  }
  await takeUp(w, c, form, run);
  drawPage([], again);
}

async function takeUp(w: Wave, c: Case, form: Form, run: Run): Promise<void> {
  const [engine, steps] = await Promise.all([engineFor(form.compile), app.journal.steps({ wave: w.id, case: c.id })]);
  const i = new Interview(w, c, form, run, engine);
  const messages: Message[] = [];
  for (const s of steps.sort((a, b) => a.rec.seq - b.rec.seq)) {
    if (s.event.kind === "step" && s.event.interview === run.interview && s.rec.seq > run.from) messages.push(s.event.message);
  }
  i.replay(messages);
  under = i;
  paper = undefined;
}

// startLang is the language that the interview begins in.
let startLang = "";

function consent(w: Wave, c: Case, form: Form, again: boolean): void {
  const languages = form.languages.filter((l) => w.languages.length === 0 || w.languages.includes(l));
  if (!languages.includes(startLang)) startLang = languages.includes(language()) ? language() : languages[0] ?? "zh";
  const lang = startLang;
  const text = (x?: Record<string, string>): string => x?.[lang] || said(x);
  const begin = (b: HTMLButtonElement): Promise<void> => act(b, async () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]! || 1;
    await app.record({ kind: "begin", wave: w.id, case: c.id, interview: c.interview, revision: c.revision, version: form.version, booklet: c.booklet ?? "", seed, lang });
    startLang = "";
    const run = currentRun(c, app.overlay.of(w.id, c.id))!;
    await takeUp(w, c, form, run);
    drawPage([], false);
  });
  const s = form.statutory;
  const facts = ([["form", s?.form_number], ["issuer", text(s?.issuer)], ["approval", text(s?.approval)], ["valid", s?.valid_until]] as const).filter(([, v]) => v);
  const selection = selectionOf(c, app.overlay.of(w.id, c.id));
  const agree = h("input", { type: "checkbox", name: "agreed" });
  const words = text(form.consent).trim();
  const start = h("button", { type: "button", class: "main", "data-do": "start", onclick: () => {
    if (words && !agree.checked) {
      trouble(new Error(t("consent.missing")));
      return agree.focus();
    }
    void begin(start);
  } }, t("consent.start"));
  show("consent", t("consent.title"), [
    languageBar(languages, lang, (l) => {
      startLang = l;
      consent(w, c, form, true);
    }),
    selection ? h("p", { class: "person" }, t("consent.person", { line: selection.selection.line })) : null,
    h("div", { lang: langTag(lang) },
      h("h2", {}, text(form.title)),
      facts.length > 0 ? h("dl", { class: "statutory" }, ...facts.map(([k, v]) => h("div", {}, h("dt", {}, find("statutory." + k, {}, lang) ?? k), h("dd", {}, v!)))) : null,
      s?.trial ? h("p", { class: "trial" }, find("statutory.trial", {}, lang) ?? "") : null,
      ...(words ? words.split(/\n{2,}/).map((p) => h("p", { class: "lines" }, p)) : [])),
    words ? box("agreed", t("consent.agreed"), agree) : null,
    h("p", { class: "buttons" }, start, h("a", { class: "button plainly", href: caseHash("attempt", w.id, c.id) + "/person-refused", "data-do": "refused" }, t("consent.refused")),
      h("a", { class: "button plainly", href: caseHash("case", w.id, c.id), "data-do": "cancel" }, t("cancel"))),
  ], { stay: again });
}

function languageBar(languages: string[], now: string, choose: (l: string) => void): HTMLElement | null {
  if (languages.length < 2) return null;
  return h("nav", { class: "languages before", "aria-label": t("interview.language") }, h("b", { "aria-hidden": "true" }, t("interview.language")), ...languages.map((l) =>
    l === now ? h("span", { lang: langTag(l), "aria-current": "true" }, languageNames[l] ?? l)
      : h("button", { type: "button", lang: langTag(l), "data-do": "questionnaire-language", "data-lang": l, onclick: () => choose(l) }, languageNames[l] ?? l)));
}

// took is the time since the page was shown, or since it was asked last.
function took(): number {
  const now = performance.now();
  const ms = Math.round(now - shownAt);
  shownAt = now;
  return ms;
}

let moving = false;

// move leaves the page by some steps of the engine, and shows the next one when they are
// safe. Without that the page stays as it is.
async function move(steps: () => Problem[]): Promise<void> {
  const i = under;
  if (!i || moving) return;
  moving = true;
  wait();
  try {
    paper?.flush();
    if (i.failed !== undefined) { // the engine may have gone on from the page that is shown
      if (!(await i.save())) return;
      if (paper && i.state.page?.id !== paperOf) return drawPage([], false);
    }
    const page = i.state.page?.id;
    const problems = steps();
    if (!(await i.save())) return;
    if (under !== i) return;
    drawPage(problems, problems.length > 0 && i.state.page?.id === page);
  } catch (err) {
    trouble(err);
  } finally {
    moving = false;
    ready();
  }
}

function status(i: Interview): void {
  i.told = (s) => {
    if (under !== i) return;
    if (s === "saving") tellSaved(t("interview.saving"));
    else if (s === "saved") tellSaved(t("interview.saved"));
    else {
      tellSaved(t("interview.unsaved", { why: saying(i.failed) }) + " ", button("retry", t("interview.retry"), async () => {
        if ((await i.save()) && under === i) drawPage([], i.state.page?.id === paperOf);
      }));
    }
  };
}

function drawPage(problems: Problem[], again: boolean): void {
  const i = under!;
  status(i);
  const st = i.state;
  const lang = st.lang || i.run.lang;
  const languages = i.form.languages.filter((l) => i.wave.languages.length === 0 || i.wave.languages.includes(l));
  const within = (key: string, values: Record<string, string | number> = {}): string => find(key, values, lang) ?? key;
  const top = [
    h("p", { class: "quiet before" }, t("interview.case", { id: i.case_.id }) + (i.case_.withdrawn ? t("comma") + t("case.withdrawn") : "")),
    languageBar(languages, lang, (l) => void move(() => {
      i.step({ do: "lang", lang: l });
      paper = undefined;
      return [];
    })),
    h("div", { class: "progress before" }, h("label", { for: "progress" }, st.page ? t("interview.progress", { n: st.section ?? 0 }) : t("interview.end")),
      " ", h("span", { class: "percent" }, t("interview.percent", { n: Math.floor(100 * st.progress) })),
      h("progress", { id: "progress", max: 100, value: Math.floor(100 * st.progress) })),
  ];
  if (!st.page) return drawEnd(i, top, problems, lang, within, again);
  const page = st.page;
  if (paperOf !== page.id) paper = undefined;
  const first = !paper;
  paperOf = page.id;
  paper ??= new Paper((key, values) => {
    if (under !== i) return;
    try {
      i.step({ do: "set", key, values });
    } catch (err) {
      return trouble(err);
    }
    if (i.state.page?.id === page.id) paper?.draw(i.state.page.items, problems.filter((p) => p.key !== key), lang);
  });
  if (first) shownAt = performance.now();
  paper.node.lang = langTag(lang);
  paper.draw(page.items, problems, lang);
  show("interview", page.title || said(i.wave.title), [
    ...top,
    summary(page.items, problems, lang, within),
    page.row ? h("p", { class: "person", lang: langTag(lang) }, within("section.person", { n: page.row })) : null,
    page.intro ? h("p", { class: "lines", lang: langTag(lang) }, page.intro) : null,
    paper.node,
    h("div", { class: "buttons", lang: langTag(lang) },
      h("button", { type: "button", class: "main", "data-do": "next", onclick: () => void next(i) }, within("section.next")),
      page.back ? button("back", within("section.back"), () => move(() => {
        i.step({ do: "submit", page: page.id, values: paper!.values(), took: took() });
        i.step({ do: "back" });
        return [];
      })) : null),
    h("div", { class: "buttons", id: "leaving" },
      h("a", { class: "button plainly", href: caseHash("case", i.wave.id, i.case_.id), "data-do": "later" }, t("interview.later")),
      button("break-off", t("interview.breakoff"), () => breakOff(i))),
  ], { stay: again && problems.length === 0, heading: h("h1", { tabindex: "-1", lang: langTag(lang) }, page.title || said(i.wave.title)) });
  if (i.failed !== undefined) i.told("failed");
}

const next = (i: Interview): Promise<void> => move(() => {
  i.step({ do: "submit", page: i.state.page!.id, values: paper!.values(), took: took() });
  return i.step({ do: "next" }).problems ?? [];
});

function summary(items: { key: string; text: string }[], problems: Problem[], lang: string, within: (key: string) => string): HTMLElement | null {
  if (problems.length === 0) return null;
  if (problems.every((p) => p.code === "missing")) return notice(h("p", { lang: langTag(lang) }, within("section.added")));
  const soft = problems.every(mild);
  const heading = within(!soft ? "section.problems" : problems.every((p) => p.soft) ? "section.doubts" : "section.unfinished");
  const el = fault(h("h2", {}, heading), h("ul", {}, ...problems.map((p) => {
    const of = items.find((it) => it.key === p.key);
    return h("li", {}, h("a", { href: "#", "data-do": "problem", onclick: (e) => {
      e.preventDefault();
      const field = p.key ? document.getElementById(idOf(p.key)) : null;
      if (field) field.focus();
      else if (p.key && under) {
        const i = under;
        const key = p.key;
        void move(() => {
          i.step({ do: "jump", key });
          return [];
        });
      }
    } }, of ? h("span", { class: "of" }, of.text) : null, problemWords(p, lang)));
  })));
  el.lang = langTag(lang);
  if (soft) el.classList.add("calm");
  return el;
}

function drawEnd(i: Interview, top: (HTMLElement | null)[], problems: Problem[], lang: string, within: (key: string) => string, again: boolean): void {
  const st = i.state;
  paper = undefined;
  const finish = h("button", { type: "button", class: "main", "data-do": "finish", onclick: () => void act(finish, async () => {
    if (!(await i.save())) return;
    const r = i.ask({ do: "finish" });
    if (!r.result) return drawEnd(i, top, r.problems ?? [], lang, within, true);
    await app.record({ kind: "finish", ...i.about(), interview: i.run.interview, body: i.body(r.result, false) });
    leave();
    tell(t("interview.finished"));
    go(caseHash("case", i.wave.id, i.case_.id));
    sync.auto();
  }) }, t("interview.finish"));
  show("finish", t("interview.end.title"), [
    ...top,
    summary([], problems, lang, within),
    h("p", {}, t("interview.answered", { n: st.answered })),
    st.blank > 0 ? h("p", {}, t("interview.blank", { n: st.blank })) : null,
    h("p", {}, t("interview.final")),
    h("div", { class: "buttons" }, finish, button("back", within("section.back"), () => move(() => {
      i.step({ do: "back" });
      return [];
    }))),
    h("div", { class: "buttons", id: "leaving" },
      h("a", { class: "button plainly", href: caseHash("case", i.wave.id, i.case_.id), "data-do": "later" }, t("interview.later")),
      button("break-off", t("interview.breakoff"), () => breakOff(i))),
  ], { stay: again && problems.length === 0 });
  if (i.failed !== undefined) i.told("failed");
}

function breakOff(i: Interview): void {
  paper?.flush();
  const sure = h("button", { type: "button", class: "main", "data-do": "confirm", onclick: () => void act(sure, async () => {
    if (!(await i.save())) return trouble(i.failed);
    const r = i.ask({ do: "partial" });
    if (!r.result) throw new Error("the engine gave no result");
    await app.record({ kind: "part", ...i.about(), interview: i.run.interview, body: i.body(r.result, true) });
    leave();
    tell(t("breakoff.done"));
    go(caseHash("case", i.wave.id, i.case_.id));
    sync.auto();
  }) }, t("breakoff.button"));
  show("break-off", t("breakoff.title"), [
    h("p", {}, t("breakoff.text")),
    h("div", { class: "buttons" }, sure, button("cancel", t("breakoff.cancel"), () => drawPage([], false))),
  ]);
}

