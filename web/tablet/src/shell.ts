// The frame around all screens: the bar on top, the way between screens, the word "saved".
import { app } from "./app";
import { button, fault, h } from "./dom";
import { sync } from "./sync";
import { Key, langTag, language, setLanguage, t, time } from "./text";

type Child = Node | string | null | undefined | false;

const root = document.documentElement;
const bar = h("div", { class: "wide" });
const main = h("main", { id: "main", class: "wide", tabindex: "-1" });
const saved = h("p", { class: "wide kept", id: "saved", role: "status" });
const skip = h("a", { class: "skip", href: "#main", onclick: (e) => {
  e.preventDefault();
  main.focus();
} });

export function build(): void {
  document.body.append(skip, h("header", { class: "top" }, bar), main, saved);
}

// show replaces the screen. The focus goes to its heading, unless the same screen is only
// shown anew.
export function show(screen: string, title: string, children: Child[], options: { stay?: boolean; heading?: HTMLElement } = {}): void {
  const same = main.dataset["screen"] === screen && options.stay === true;
  const active = same && main.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
  const heading = options.heading ?? h("h1", { tabindex: "-1" }, title);
  main.dataset["screen"] = screen;
  const top = children.filter((c): c is HTMLElement => c instanceof HTMLElement && (c.id === "notice" || c.classList.contains("before")));
  main.replaceChildren(...top, heading, ...children.filter((c): c is Node | string => Boolean(c) && !top.includes(c as HTMLElement)));
  document.title = title + " · " + t("name");
  skip.textContent = t("skip");
  tellSaved("");
  drawBar();
  if (!same) {
    scrollTo(0, 0);
    (top.find((c) => c.id === "notice" && c.getAttribute("role") === "alert") ?? heading).focus();
  } else if (active) {
    const what = active.dataset["do"];
    const again = (active.id && document.getElementById(active.id)) || (what && main.querySelector<HTMLElement>(`[data-do="${what}"]`)) || heading;
    again.focus();
  }
  root.dataset["ready"] = "1";
}

export const screen = (): string => main.dataset["screen"] ?? "";

export function wait(): void {
  delete root.dataset["ready"];
}

export function ready(): void {
  root.dataset["ready"] = "1";
}

// tellSaved says beside the page whether what was entered is kept; it is read out.
export function tellSaved(words: string, ...more: HTMLElement[]): void {
  if (saved.textContent !== words || more.length > 0) saved.replaceChildren(words, ...more);
  saved.classList.toggle("error", more.length > 0);
}

const inside = ["work", "case", "attempt", "listing", "sync", "checkin", "device", "checkout", "finished"];

function link(hash: string, words: string, what: string): HTMLElement {
  return h("a", { href: hash, "data-do": what, ...(location.hash === hash ? { "aria-current": "page" } : {}) }, words);
}

export function drawBar(): void {
  const within = app.open && inside.includes(screen());
  const other = language() === "zh" ? "en" : "zh";
  const unsent = within ? app.unsent : 0;
  bar.replaceChildren(
    h("span", { class: "name" }, app.open && app.device ? app.device.account.name || app.device.account.login : t("name")),
    h("nav", { class: "languages", "aria-label": t("bar.nav") },
      ...(within
        ? [
            app.work ? link("#/work", t("bar.work"), "work") : null,
            link("#/sync", unsent > 0 ? t("bar.unsent", { n: unsent }) : t("bar.sync"), "sync"),
            link("#/device", t("bar.device"), "device"),
            button("lock", t("bar.lock"), () => lockNow()),
          ].filter((x): x is HTMLElement => x !== null)
        : []),
      h("button", { type: "button", "data-do": "language", lang: langTag(other), onclick: () => {
        setLanguage(other);
        void app.db.put("meta", "lang", other);
        void render(true);
      } }, other === "zh" ? "中文" : "English")),
  );
  bar.dataset["unsent"] = String(unsent);
}

// syncLine says what is not sent yet, and when the office was reached last.
export function syncLine(): string {
  const at = sync.progress.at || app.sent.at;
  return (app.unsent > 0 ? t("sync.unsent", { n: app.unsent }) : t("sync.nothing")) + (at ? " " + t("sync.last", { at: time(at) }) : " " + t("sync.never"));
}

let draw: (again: boolean) => Promise<void> = async () => undefined;
let lockNow: () => void = () => undefined;
export function install(drawer: (again: boolean) => Promise<void>, locker: () => void): void {
  draw = drawer;
  lockNow = locker;
}

// render shows the screen of the address; again leaves the focus where it is.
export async function render(again = false): Promise<void> {
  wait();
  try {
    await draw(again);
  } catch (err) {
    trouble(err);
  }
}

export function go(hash: string): void {
  if (location.hash === hash) void render();
  else location.hash = hash;
}

// trouble says what went wrong, above what is on the screen.
export function trouble(err: unknown): void {
  const words = saying(err);
  document.getElementById("notice")?.remove();
  const box = fault(h("p", {}, words));
  main.prepend(box);
  box.focus();
  root.dataset["ready"] = "1";
}

// saying puts an error into words.
export function saying(err: unknown): string {
  const name = err instanceof Error || err instanceof DOMException ? err.name : "";
  if (name === "QuotaExceededError") return t("trouble.full");
  if (["AbortError", "UnknownError", "InvalidStateError", "DataError", "ConstraintError", "TransactionInactiveError", "TimeoutError"].includes(name)) {
    return t("trouble.write", { detail: String((err as Error).message || name) });
  }
  const code = (err as { code?: unknown }).code;
  if (typeof code === "string") {
    const key = ("error." + code) as Key;
    const words = t(key);
    return words === key ? t("error.other", { code, detail: (err as Error).message }) : words;
  }
  return t("trouble.other", { detail: err instanceof Error ? err.message : String(err) });
}

// act runs what a button does: once at a time, with errors said on the screen.
export async function act(b: HTMLButtonElement | null, work: () => Promise<unknown>): Promise<void> {
  if (b?.disabled) return;
  if (b) b.disabled = true;
  try {
    await work();
  } catch (err) {
    trouble(err);
  } finally {
    if (b) b.disabled = false;
  }
}
