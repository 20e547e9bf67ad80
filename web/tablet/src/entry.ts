// The screens before the work: setting the tablet up, the PIN, and the two that end it.
import { app, tokenIn } from "./app";
import { button, fault, h, labelled, notice } from "./dom";
import { refused, rightPin, unfit, waiting, wrongPin } from "./pin";
import { act, render, saying, show } from "./shell";
import { t, time } from "./text";

interface InstallPrompt extends globalThis.Event {
  prompt(): Promise<unknown>;
}

let install: InstallPrompt | undefined;
addEventListener("beforeinstallprompt", (e) => {
  e.preventDefault();
  install = e as InstallPrompt;
  const place = document.getElementById("install");
  if (place) place.replaceWith(installHint());
});

const installed = (): boolean => matchMedia("(display-mode: standalone)").matches || matchMedia("(display-mode: fullscreen)").matches;

// installHint says how the app comes onto the home screen, with the button where the
// browser has one.
export function installHint(): HTMLElement {
  if (installed()) return h("p", { id: "install", class: "quiet" }, t("install.done"));
  return h("div", { id: "install" }, h("p", {}, t(install ? "install.button.hint" : "install.menu")),
    install ? h("p", { class: "buttons" }, button("install", t("install.button"), () => install?.prompt())) : null);
}

let token = "";
let typed = ""; // as the code, so that a screen drawn anew keeps it
export const setToken = (t: string): void => {
  token = t;
  typed = "";
};

// codeField is where the code of an enrolment is typed, unless the camera brought it; found
// gives it, empty when it is none.
export function codeField(): { field: HTMLElement; input: HTMLInputElement; found: () => string } {
  const input = h("input", { type: "text", name: "code", autocomplete: "off", autocapitalize: "off", spellcheck: "false", value: typed, oninput: () => {
    typed = input.value;
  } });
  return { field: token ? h("p", { class: "done" }, t("setup.token")) : labelled("code", t("setup.code"), input, t("setup.code.hint")), input, found: () => token || tokenIn(input.value) };
}

export function setup(again: boolean): void {
  const { field, input: code, found: codeFound } = codeField();
  const name = h("input", { type: "text", name: "name", autocomplete: "off", maxlength: "60" });
  const pin = h("input", { type: "password", name: "pin", inputmode: "numeric", autocomplete: "new-password" });
  const repeat = h("input", { type: "password", name: "repeat", inputmode: "numeric", autocomplete: "new-password" });
  const errors = h("div");
  const enrol = h("button", { class: "main", "data-do": "enrol" }, t("setup.button"));
  const form = h("form", { novalidate: true, onsubmit: (e) => {
    e.preventDefault();
    const found = codeFound();
    const wrong =
      !found ? ([code, t("setup.code.wrong")] as const)
      : !name.value.trim() ? ([name, t("setup.name.missing")] as const)
      : unfit(pin, repeat);
    if (refused(wrong, [code, name, pin, repeat], errors)) return;
    void act(enrol, async () => {
      errors.replaceChildren(notice(h("p", {}, t("setup.working"))));
      await navigator.storage?.persist?.().catch(() => false);
      try {
        await app.enrol(found, name.value.trim(), pin.value);
      } catch (err) {
        errors.replaceChildren();
        const box = fault(h("p", {}, saying(err)));
        errors.append(box);
        box.focus();
        return;
      }
      token = "";
      location.hash = "#/checkout";
      await render();
    });
  } },
    errors,
    field,
    labelled("name", t("setup.name"), name, t("setup.name.hint")),
    labelled("pin", t("setup.pin"), pin, t("setup.pin.hint")),
    labelled("repeat", t("setup.repeat"), repeat),
    h("p", { class: "buttons" }, enrol));
  show("setup", t("setup.title"), [h("p", {}, t("setup.lead")), installHint(), form], { stay: again });
}

let ticking = 0;

export async function unlock(again: boolean): Promise<void> {
  const pin = h("input", { type: "password", name: "pin", inputmode: "numeric", autocomplete: "current-password" });
  const errors = h("div");
  const open = h("button", { class: "main", "data-do": "unlock" }, t("unlock.button"));
  const countdown = h("p", { class: "quiet", id: "wait" });
  const tick = async (): Promise<void> => {
    clearTimeout(ticking);
    const left = Math.ceil((await waiting()) / 1000);
    open.disabled = left > 0;
    countdown.textContent = left > 0 ? t("unlock.wait", { n: left }) : "";
    if (left > 0 && open.isConnected) ticking = window.setTimeout(() => void tick(), 500);
  };
  const form = h("form", { novalidate: true, onsubmit: (e) => {
    e.preventDefault();
    void act(open, async () => {
      if ((await waiting()) > 0) return;
      const said = pin.value;
      if (!said) return pin.focus();
      pin.value = "";
      errors.replaceChildren(notice(h("p", {}, t("unlock.working"))));
      // It counts as wrong until it turns out to be right, whatever happens in between. A full
      // disk must not lock anybody out.
      await wrongPin().catch(() => undefined);
      if (await app.unlock(said)) {
        await rightPin();
        await render();
        return;
      }
      errors.replaceChildren(fault(h("p", {}, t("unlock.wrong"))));
      pin.focus();
    }).then(tick);
  } },
    errors, labelled("pin", t("unlock.pin"), pin), countdown, h("p", { class: "buttons" }, open));
  const d = app.device!;
  show("unlock", t("unlock.title"), [
    token ? notice(h("p", {}, t("unlock.token"))) : null,
    h("p", {}, t("unlock.whose", { name: d.name, account: d.account.name || d.account.login })),
    form,
    h("details", {}, h("summary", {}, t("unlock.forgotten")), h("p", {}, t("unlock.forgotten.text")), rescueButton()),
  ], { stay: again });
  await tick();
  if (!again && !open.disabled) pin.focus();
}

// rescueButton saves the rescue file.
export function rescueButton(): HTMLElement {
  const b = button("rescue", t("rescue.button"), () => act(b, async () => {
    const file = await app.rescue();
    const a = h("a", { href: URL.createObjectURL(file), download: `suyang-rescue-${app.device!.device.slice(0, 8)}-${app.clock.now().toISOString().slice(0, 16).replace(/\D/g, "")}.jsonl` });
    document.body.append(a);
    a.click();
    a.remove();
    setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
  }));
  return h("p", { class: "buttons" }, b);
}

export function revoked(again: boolean): void {
  show("revoked", t("revoked.title"), [
    h("p", {}, t("revoked.text", { at: time(app.device!.revoked!) })), h("p", {}, t("revoked.rescue")), rescueButton(),
  ], { stay: again });
}

export function elsewhere(): void {
  show("elsewhere", t("elsewhere.title"), [h("p", {}, t("elsewhere.text")), h("p", { class: "quiet" }, t("elsewhere.wait"))]);
}

export function broken(err: unknown): void {
  show("broken", t("broken.title"), [h("p", {}, t("broken.text")), h("p", { class: "quiet" }, String(err))]);
}

