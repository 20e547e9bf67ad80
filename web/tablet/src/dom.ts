// Elements of the page, made without HTML in texts.

type Child = Node | string | null | undefined | false;
type Value = string | number | boolean | undefined | ((e: globalThis.Event) => void);

// h makes an element. A name with "on" adds a listener, "value" and "checked" are set as
// they stand, true and false set or leave out the attribute.
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, Value> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") el.addEventListener(name.slice(2), value);
    else if (name === "value" && "value" in el && tag !== "li" && tag !== "progress") (el as unknown as HTMLInputElement).value = String(value ?? "");
    else if (name === "checked") (el as unknown as HTMLInputElement).checked = value === true;
    else if (value === true) el.setAttribute(name, "");
    else if (value !== undefined && value !== false) el.setAttribute(name, String(value));
  }
  for (const c of children) if (c !== null && c !== undefined && c !== false) el.append(c);
  return el;
}

// button is one that does something; what is the stable name by which tests press it.
export function button(what: string, words: string, act: () => unknown, attributes: Record<string, Value> = {}): HTMLButtonElement {
  return h("button", { type: "button", "data-do": what, onclick: () => void act(), ...attributes }, words);
}

// labelled is a field with its label above.
export function labelled(id: string, words: string, input: HTMLElement, hint?: string): HTMLElement {
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", id + "-hint");
  return h("div", { class: "row" }, h("label", { for: id }, words), hint ? h("p", { class: "hint", id: id + "-hint" }, hint) : null, input);
}

// box is a tick or a choice with its label beside.
export function box(id: string, words: string, input: HTMLInputElement): HTMLElement {
  input.id = id;
  return h("label", { class: "option", for: id }, input, h("span", {}, words));
}

export function choose(name: string, options: { code: string; text: string }[], chosen: string, none?: string): HTMLSelectElement {
  const el = h("select", { name });
  if (none !== undefined) el.append(h("option", { value: "" }, none));
  for (const o of options) el.append(h("option", { value: o.code }, o.text));
  el.value = chosen;
  return el;
}

// fault is a message that is read out at once; calm ones are no error.
export function fault(...children: Child[]): HTMLElement {
  return h("div", { class: "summary", role: "alert", id: "notice", tabindex: "-1" }, ...children);
}

export function notice(...children: Child[]): HTMLElement {
  return h("div", { class: "summary calm", role: "status", id: "notice", tabindex: "-1" }, ...children);
}
