// The PIN: what a new one must be, how wrong ones are slowed down, and how it is changed.
import { app, weak } from "./app";
import { fault, h, labelled, notice } from "./dom";
import { act } from "./shell";
import { t } from "./text";

export type Fault = readonly [HTMLInputElement, string];

// unfit says what is wrong with a new PIN.
export function unfit(pin: HTMLInputElement, repeat: HTMLInputElement): Fault | undefined {
  return !/^\d{6,}$/.test(pin.value) ? [pin, t("setup.pin.short")]
    : weak(pin.value) ? [pin, t("setup.pin.weak")]
    : pin.value !== repeat.value ? [repeat, t("setup.pin.other")]
    : undefined;
}

// refused marks the field that is wrong and says what is, with a way to it.
export function refused(wrong: Fault | undefined, fields: HTMLInputElement[], errors: HTMLElement): boolean {
  for (const f of fields) f.removeAttribute("aria-invalid");
  if (!wrong) return false;
  const [field, words] = wrong;
  field.setAttribute("aria-invalid", "true");
  errors.replaceChildren(fault(h("p", {}, h("a", { href: "#", onclick: (x) => {
    x.preventDefault();
    field.focus();
  } }, words))));
  field.focus();
  return true;
}

// Tries are the wrong PINs since the last right one. They are kept, so that opening the app
// anew does not help.
interface Tries {
  n: number;
  at: number;
  until: number;
}

// waiting is how many milliseconds there must be before the next try.
export async function waiting(): Promise<number> {
  const tries = await app.db.get<Tries>("meta", "tries");
  if (!tries) return 0;
  const now = Date.now();
  if (now < tries.at) { // the clock was set back: wait anew
    await app.db.put("meta", "tries", { ...tries, at: now, until: now + (tries.until - tries.at) });
    return tries.until - tries.at;
  }
  return Math.max(0, tries.until - now);
}

// wrongPin counts a try as a wrong one.
export async function wrongPin(): Promise<void> {
  const n = ((await app.db.get<Tries>("meta", "tries"))?.n ?? 0) + 1;
  const now = Date.now();
  await app.db.put("meta", "tries", { n, at: now, until: n < 3 ? now : now + 1000 * Math.min(900, 2 ** (n - 2)) });
}

export const rightPin = (): Promise<void> => app.db.remove("meta", "tries").catch(() => undefined);

// changePin is the form that puts another PIN in the place of the present one, which has to be
// known: the slow-down of wrong ones is that of the lock.
export function changePin(): HTMLElement {
  const field = (name: string, complete: "current-password" | "new-password"): HTMLInputElement => h("input", { type: "password", name, inputmode: "numeric", autocomplete: complete });
  const [old, pin, repeat] = [field("old", "current-password"), field("new", "new-password"), field("again", "new-password")];
  const errors = h("div");
  const change = h("button", { "data-do": "change-pin" }, t("pin.button"));
  const form = h("form", { novalidate: true, onsubmit: (e) => {
    e.preventDefault();
    if (refused(unfit(pin, repeat), [old, pin, repeat], errors)) return;
    void act(change, async () => {
      const left = await waiting();
      if (left > 0) return void errors.replaceChildren(fault(h("p", {}, t("unlock.wait", { n: Math.ceil(left / 1000) }))));
      errors.replaceChildren(notice(h("p", {}, t("unlock.working"))));
      await wrongPin().catch(() => undefined);
      if (!(await app.changePin(old.value, pin.value))) return void refused([old, t("unlock.wrong")], [old, pin, repeat], errors);
      await rightPin();
      for (const f of [old, pin, repeat]) f.value = "";
      errors.replaceChildren(notice(h("p", { "data-changed": "pin" }, t("pin.changed"))));
    });
  } }, errors, labelled("old", t("pin.old"), old), labelled("new", t("pin.new"), pin, t("setup.pin.hint")), labelled("again", t("setup.repeat"), repeat),
    h("p", { class: "buttons" }, change));
  return h("details", {}, h("summary", {}, t("pin.title")), form);
}
