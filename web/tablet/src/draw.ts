// Draws the items of a page as the engine says, and reads what was entered. It knows no
// rule: which items there are, and what is wrong with them, is the engine's word.
import { box, button, h } from "./dom";
import { Item, Option, Problem } from "./engine";
import { find, t } from "./text";

const reserved = (code: string): boolean => code === "dk" || code === "refused";
const alone = (o: Option): boolean => o.exclusive === true || reserved(o.code);

// idOf is the id of an item's first field.
export const idOf = (key: string): string => "i-" + key.replace("#", ".");

// Unit is what is drawn together: an item, or a grid with its rows.
interface Unit {
  key: string;
  sign: string; // when it changes, the unit is drawn anew
  items: Item[];
}

interface Drawn {
  sign: string;
  node: HTMLElement;
  read: Map<string, () => string[]>;
  flush: (() => void)[];
}

type Set = (key: string, values: string[]) => void;

// typing is how long the app waits for the next letter before it keeps a text.
const typing = 600;

export class Paper {
  readonly node = h("div", { class: "paper" });
  private drawn = new Map<string, Drawn>();
  private lang = "";

  constructor(private readonly set: Set) {}

  // draw brings the page to the items as they stand now. What has not changed is left
  // alone, with the focus and what is being typed in it.
  draw(items: Item[], problems: Problem[], lang: string): void {
    if (lang !== this.lang) this.drawn.clear();
    this.lang = lang;
    const focused = document.activeElement?.id ?? "";
    const next = new Map<string, Drawn>();
    for (const u of units(items, problems)) {
      const old = this.drawn.get(u.key);
      next.set(u.key, old?.sign === u.sign ? old : this.unit(u, problems));
    }
    this.drawn = next;
    const nodes = [...next.values()].map((d) => d.node);
    if (nodes.length !== this.node.children.length || nodes.some((n, i) => n !== this.node.children[i])) {
      this.node.replaceChildren(...nodes);
      const back = focused ? document.getElementById(focused) : null;
      if (back && this.node.contains(back)) back.focus();
    }
  }

  // values is what all items of the page have now, by key.
  values(): Record<string, string[]> {
    const out: Record<string, string[]> = {};
    for (const d of this.drawn.values()) for (const [key, read] of d.read) out[key] = read();
    return out;
  }

  // flush keeps what was typed and waits for its next letter.
  flush(): void {
    for (const d of this.drawn.values()) for (const f of d.flush) f();
  }

  private unit(u: Unit, problems: Problem[]): Drawn {
    const d: Drawn = { sign: u.sign, node: h("div"), read: new Map(), flush: [] };
    const first = u.items[0]!;
    d.node = first.type === "grid" ? this.grid(u.items, problems, d) : this.item(first, of(problems, first.key), d);
    d.node.dataset["key"] = first.key;
    return d;
  }

  private item(it: Item, wrong: Problem[], d: Drawn): HTMLElement {
    const id = idOf(it.key);
    if (it.type === "note") return h("div", { class: "note" }, h("p", { class: "question lines" }, it.text), ...about(it, id, wrong, this.lang));
    const state = wrong.length > 0 ? (wrong.every(mild) ? " doubt" : " wrong") : "";
    const options = it.options ?? [];
    const choice = ["single", "likert", "multiple"].includes(it.type);
    const field = ["number", "text", "longtext", "roster"].includes(it.type);
    const described = [it.hint ? id + "-hint" : "", wrong.length > 0 ? id + "-error" : ""].filter(Boolean).join(" ") || undefined;
    if (field && options.length === 0) {
      const el = this.field(it, described, wrong, d);
      return h("div", { class: "item" + state }, h("label", { class: "question", for: id }, ...asked(it, this.lang)), ...about(it, id, wrong, this.lang),
        h("div", { class: "field" }, el, it.unit ? h("span", { class: "unit" }, it.unit) : null));
    }
    const controls: (HTMLElement | null)[] = [];
    if (choice) controls.push(...this.choice(it, d));
    else {
      const beside: HTMLInputElement[] = [];
      let clear: () => void = () => undefined;
      let typed: () => string[] = () => [];
      if (field) {
        const el = this.field(it, described, wrong, d, () => untick(beside));
        el.setAttribute("aria-label", it.text);
        typed = () => (el.value.trim() ? [el.value] : []);
        clear = () => {
          el.value = "";
        };
        controls.push(h("div", { class: "field" }, el, it.unit ? h("span", { class: "unit" }, it.unit) : null));
      } else {
        const parts = it.type === "date" ? this.date(it, wrong) : it.type === "ranking" ? this.ranking(it) : this.region(it);
        typed = parts.read;
        clear = parts.clear;
        for (const el of parts.fields) {
          const send = (): void => {
            if (parts.read().length > 0) untick(beside);
            this.set(it.key, d.read.get(it.key)!());
          };
          el.addEventListener("change", send);
        }
        controls.push(parts.node);
      }
      const list = it.type === "ranking" ? options.filter(alone) : options;
      if (list.length > 0) {
        controls.push(h("div", { class: "options short" }, ...list.map((o) => {
          const el = h("input", { type: "checkbox", name: it.key, value: o.code, checked: it.values.includes(o.code), onchange: () => {
            if (el.checked) {
              clear();
              untick(beside.filter((x) => x !== el));
            }
            this.set(it.key, d.read.get(it.key)!());
          } });
          beside.push(el);
          return apart(box(id + "-" + o.code, o.text, el));
        })));
      }
      d.read.set(it.key, () => [...typed(), ...beside.filter((x) => x.checked).map((x) => x.value)]);
    }
    return h("fieldset", { class: "item" + state, role: it.type === "single" || it.type === "likert" ? "radiogroup" : undefined, "aria-describedby": described,
      "aria-required": it.required && (it.type === "single" || it.type === "likert") ? "true" : undefined, "aria-labelledby": id + "-q" },
      h("legend", { id: id + "-q" }, ...asked(it, this.lang)), ...about(it, id, wrong, this.lang),
      it.type === "multiple" && !it.hint ? h("p", { class: "hint" }, words("item.several", this.lang)) : null, ...controls);
  }

  // field is one to type into. It keeps its text a moment after the last letter, and when
  // it is left.
  private field(it: Item, described: string | undefined, wrong: Problem[], d: Drawn, typed: () => void = () => undefined): HTMLInputElement | HTMLTextAreaElement {
    const codes = (it.options ?? []).map((o) => o.code);
    const value = it.values.find((v) => !codes.includes(v)) ?? "";
    const attributes = { id: idOf(it.key), name: it.key, value, autocomplete: "off", maxlength: "10000", "aria-describedby": described,
      "aria-invalid": wrong.some((p) => !mild(p)) ? "true" : undefined, "aria-required": it.required ? "true" : undefined };
    const el = it.type === "longtext" ? h("textarea", { ...attributes, rows: "4", dir: "auto" })
      : h("input", { type: "text", ...attributes, ...(it.type === "text" ? { dir: "auto" } : { inputmode: it.decimals ? "decimal" : "numeric" }) });
    if (!d.read.has(it.key)) d.read.set(it.key, () => (el.value.trim() ? [el.value] : []));
    let timer = 0;
    let kept = value;
    const keep = (): void => {
      clearTimeout(timer);
      timer = 0;
      if (el.value === kept) return;
      kept = el.value;
      this.set(it.key, d.read.get(it.key)!());
    };
    el.addEventListener("input", () => {
      if (el.value) typed();
      clearTimeout(timer);
      timer = window.setTimeout(keep, typing);
    });
    el.addEventListener("change", keep);
    d.flush.push(keep);
    return el;
  }

  private choice(it: Item, d: Drawn): HTMLElement[] {
    const id = idOf(it.key);
    const many = it.type === "multiple";
    const options = it.options ?? [];
    const inputs: HTMLInputElement[] = [];
    d.read.set(it.key, () => inputs.filter((x) => x.checked).map((x) => x.value));
    const labels = options.map((o, i) => {
      const el = h("input", { type: many ? "checkbox" : "radio", name: it.key, value: o.code, checked: it.values.includes(o.code), onchange: () => {
        if (many && el.checked) untick(inputs.filter((x, n) => x !== el && (alone(o) || alone(options[n]!))));
        this.set(it.key, d.read.get(it.key)!());
      } });
      inputs.push(el);
      const label = box(i === 0 ? id : id + "-" + o.code, o.text, el);
      return reserved(o.code) ? apart(label) : label;
    });
    const answers = labels.filter((_, i) => !reserved(options[i]!.code));
    const rest = labels.filter((_, i) => reserved(options[i]!.code));
    const scale = it.type === "likert" && fitsScale(options);
    const short = answers.length <= 3 && options.every((o) => reserved(o.code) || breadth(o.text) <= 12);
    const out = [h("div", { class: "options" + (scale ? " scale" : short ? " short" : "") }, ...answers, ...(scale ? [] : rest))];
    if (scale && rest.length > 0) out.push(h("div", { class: "options short" }, ...rest));
    if (!many && !it.required) {
      out.push(h("p", { class: "clear" }, button("clear", words("item.clear", this.lang), () => {
        if (!inputs.some((x) => x.checked)) return;
        untick(inputs);
        this.set(it.key, []);
      }, { class: "read", "aria-label": words("item.clear", this.lang) + " – " + it.text })));
    }
    return out;
  }

  private parts(column: boolean, fields: { label: string; el: HTMLElement }[], id: string): HTMLElement {
    return h("div", { class: "parts" + (column ? " column" : "") }, ...fields.map(({ label, el }, i) => {
      el.id = i === 0 ? id : `${id}.${i + 1}`;
      return h("div", { class: "part" }, h("label", { for: el.id }, label), el);
    }));
  }

  private date(it: Item, wrong: Problem[]): Parts {
    const codes = (it.options ?? []).map((o) => o.code);
    let typed = it.values.filter((v) => !codes.includes(v));
    if (typed.length === 1) typed = typed[0]!.split("-", 3);
    const fields = ["item.year", "item.month", "item.day"].map((label, i) => ({ label: words(label, this.lang),
      el: h("input", { type: "text", inputmode: "numeric", name: it.key, value: typed[i] ?? "", autocomplete: "off", size: "4", "aria-invalid": wrong.some((p) => !mild(p)) ? "true" : undefined }) }));
    return { node: this.parts(false, fields, idOf(it.key)), fields: fields.map((f) => f.el),
      read: () => fields.map((f) => f.el.value).filter((v) => v.trim()), clear: () => fields.forEach((f) => (f.el.value = "")) };
  }

  private selects(it: Item, list: { label: string; options: Option[]; chosen: string }[]): Parts {
    const fields = list.map((x) => {
      const el = h("select", { name: it.key }, h("option", { value: "" }, words("item.choose", this.lang)), ...x.options.map((o) => h("option", { value: o.code }, o.text)));
      el.value = x.chosen;
      return { label: x.label, el };
    });
    return { node: this.parts(true, fields, idOf(it.key)), fields: fields.map((f) => f.el),
      read: () => fields.map((f) => f.el.value).filter(Boolean), clear: () => fields.forEach((f) => (f.el.value = "")) };
  }

  private ranking(it: Item): Parts {
    const options = (it.options ?? []).filter((o) => !alone(o));
    const ranked = it.values.filter((v) => options.some((o) => o.code === v));
    const n = Math.max(it.most && it.most < options.length ? it.most : options.length, ranked.length);
    return this.selects(it, Array.from({ length: n }, (_, i) => ({ label: words("item.place", this.lang, { n: i + 1 }), options, chosen: ranked[i] ?? "" })));
  }

  private region(it: Item): Parts {
    return this.selects(it, (it.steps ?? []).map((s) => ({ label: words("item." + s.level, this.lang), options: s.parts, chosen: s.chosen ?? "" })));
  }

  private grid(items: Item[], problems: Problem[], d: Drawn): HTMLElement {
    const [head, ...rows] = items as [Item, ...Item[]];
    const id = idOf(head.key);
    const some = rows.some((r) => r.required);
    const columns = rows[0]?.options ?? [];
    return h("div", { class: "item grid" },
      h("p", { class: "question", id: id + "-q" }, ...asked({ ...head, required: some }, this.lang)), ...about(head, id, of(problems, head.key), this.lang),
      h("table", { role: "table", "aria-labelledby": id + "-q" },
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("td", { role: "cell" }), ...columns.map((o) => h("th", { role: "columnheader", scope: "col" }, o.text)))),
        h("tbody", { role: "rowgroup" }, ...rows.map((row) => {
          const rid = idOf(row.key);
          const wrong = of(problems, row.key);
          const inputs: HTMLInputElement[] = [];
          d.read.set(row.key, () => inputs.filter((x) => x.checked).map((x) => x.value));
          return h("tr", { role: "row", class: "row" + (wrong.length > 0 ? (wrong.every(mild) ? " doubt" : " wrong") : "") },
            h("th", { role: "rowheader", scope: "row" }, h("span", { id: rid + "-q" }, ...asked({ ...row, required: row.required || !some }, this.lang)), row.hint ? h("span", { class: "hint lines" }, row.hint) : null, errors(rid, wrong, this.lang)),
            ...(row.options ?? []).map((o, i) => {
              const oid = i === 0 ? rid : rid + "-" + o.code;
              const el = h("input", { type: "radio", id: oid, name: row.key, value: o.code, checked: row.values.includes(o.code), "aria-labelledby": `${rid}-q ${oid}-t`, "aria-describedby": wrong.length > 0 ? rid + "-error" : undefined,
                onchange: () => this.set(row.key, d.read.get(row.key)!()) });
              inputs.push(el);
              return h("td", { role: "cell" }, h("label", { class: "option" + (reserved(o.code) ? " apart" : ""), for: oid }, el, h("span", { id: oid + "-t" }, o.text)));
            }));
        }))));
  }
}

interface Parts {
  node: HTMLElement;
  fields: HTMLElement[];
  read: () => string[];
  clear: () => void;
}

function untick(boxes: HTMLInputElement[]): void {
  for (const b of boxes) b.checked = false;
}

function apart(label: HTMLElement): HTMLElement {
  label.classList.add("apart");
  return label;
}

const of = (problems: Problem[], key: string): Problem[] => problems.filter((p) => p.key === key);

// mild problems only ask to look again, or to go on choosing.
export const mild = (p: Problem): boolean => p.soft === true || p.code === "unfinished" || p.code === "missing";

function units(items: Item[], problems: Problem[]): Unit[] {
  const out: Unit[] = [];
  for (const it of items) {
    if (it.type === "calculate") continue;
    const last = out[out.length - 1];
    if (it.grid !== undefined && last?.items[0]?.type === "grid") last.items.push(it);
    else out.push({ key: it.key, sign: "", items: [it] });
  }
  for (const u of out) {
    u.sign = JSON.stringify([u.items.map(({ values: _, put: __, ...rest }) => rest), problems.filter((p) => u.items.some((it) => it.key === p.key))]);
  }
  return out.filter((u) => u.items[0]!.type !== "grid" || u.items.length > 1);
}

// words are in the language of the interview, not in that of the app.
const words = (key: string, lang: string, values: Record<string, string | number> = {}): string => find(key, values, lang) ?? key;

function asked(it: Item, lang: string): (Node | string)[] {
  return [it.text, ...(it.required ? [] : [" ", h("span", { class: "optional" }, words("item.optional", lang))])];
}

// problemWords says what is wrong: the questionnaire's own words first.
export function problemWords(p: Problem, lang: string): string {
  if (p.words) return p.words;
  const key = p.code === "too-many-decimals" && !p.limit ? "rule.too-many-decimals.none" : "rule." + p.code;
  return find(key, { max: p.limit ?? 0 }, lang) ?? t("rule.other", { code: p.code });
}

function errors(id: string, wrong: Problem[], lang: string): HTMLElement | null {
  return wrong.length === 0 ? null : h("div", { class: "error", id: id + "-error" }, ...wrong.map((p) => h("p", {}, problemWords(p, lang))));
}

function about(it: Item, id: string, wrong: Problem[], lang: string): (HTMLElement | null)[] {
  return [
    it.hint ? h("p", { class: "hint lines", id: id + "-hint" }, it.hint) : null,
    it.timed ? h("p", { class: "hint" }, words("item.timed", lang)) : null,
    it.svg || it.image ? h("img", { class: "figure", src: figure(it), alt: it.alt ?? "" }) : null,
    errors(id, wrong, lang),
  ];
}

function figure(it: Item): string {
  if (it.svg) return "data:image/svg+xml," + encodeURIComponent(it.svg);
  const image = it.image!;
  const kind = image.startsWith("iVBOR") ? "png" : image.startsWith("/9j/") ? "jpeg" : "webp";
  return `data:image/${kind};base64,${image}`;
}

// breadth measures a text in Latin letters; a Chinese character is as broad as two.
function breadth(text: string): number {
  let n = 0;
  for (const c of text) n += c.codePointAt(0)! >= 0x2e80 ? 2 : 1;
  return n;
}

// fitsScale says whether the options can stand in one line.
function fitsScale(options: Option[]): boolean {
  const answers = options.filter((o) => !reserved(o.code));
  return answers.length <= 11 && answers.reduce((n, o) => n + Math.max(4, breadth(o.text) / 2), 0) <= 76;
}
