// The app begins here: one tab at a time, the database, the screen of the address.
import { app, tokenIn } from "./app";
import { load } from "./engine";
import { broken, elsewhere, revoked, setToken, setup, unlock } from "./entry";
import { back, flush, interviewScreen, leave, settled } from "./interview";
import { checkinScreen, checkoutScreen, deviceScreen, syncScreen } from "./office";
import * as shell from "./shell";
import { sync } from "./sync";
import { Lang, setLanguage } from "./text";
import { look, register } from "./update";
import { attemptScreen, caseScreen, forgetDrafts, listingScreen, workScreen } from "./work";

const idle = 15 * 60_000;
let turn = 0;

async function draw(again: boolean): Promise<void> {
  const mine = ++turn;
  if (!app.device) return setup(again);
  if (app.device.revoked !== undefined) return revoked(again);
  if (!app.open) return unlock(again);
  const [, screen, ...rest] = location.hash.split("/");
  const [wave = "", id = "", more = ""] = rest.map(decodeURIComponent);
  if (screen !== "interview") {
    if (!(await settled())) return back();
    leave();
  }
  if (mine !== turn) return;
  if (screen === "device") return deviceScreen(again);
  if (screen === "sync") return syncScreen(again);
  if (screen === "checkin") return checkinScreen(again);
  if (screen === "checkout" || !app.work) return checkoutScreen(again);
  if (screen === "case") return caseScreen(wave, id, again);
  if (screen === "attempt") return attemptScreen(wave, id, again, more);
  if (screen === "listing") return listingScreen(wave, id, again);
  if (screen === "interview") return interviewScreen(wave, id, again);
  return workScreen(again);
}

// lock waits while answers cannot be written: they are on the screen only.
async function lock(): Promise<void> {
  if (!(await settled())) return;
  leave();
  forgetDrafts();
  app.lock();
  await shell.render();
}

let touched = performance.now();

function watch(): void {
  for (const kind of ["pointerdown", "keydown", "input", "scroll"]) {
    addEventListener(kind, () => {
      touched = performance.now();
    }, { passive: true, capture: true });
  }
  addEventListener("hashchange", () => {
    if (!takeToken()) void shell.render();
  });
  addEventListener("online", () => sync.hurry());
  document.addEventListener("visibilitychange", () => {
    app.clock.hidden(document.visibilityState === "hidden");
    if (document.visibilityState === "hidden") flush();
    else sync.auto();
  });
  addEventListener("pagehide", flush);
  let hiddenSince = 0;
  setInterval(() => {
    const now = Date.now();
    if (document.visibilityState === "hidden") hiddenSince ||= now;
    else hiddenSince = 0;
    void app.seeClock().catch(() => undefined);
    if (app.open && (performance.now() - touched > idle || (hiddenSince !== 0 && now - hiddenSince > idle))) void lock();
  }, 5000);
  setInterval(() => sync.auto(), 60_000);
  setInterval(() => void look(), 6 * 3600_000);
  sync.onChange = () => {
    if (!app.open) return;
    if (shell.screen() === "sync" || (shell.screen() === "work" && !sync.progress.running)) void shell.render(true);
    else shell.drawBar();
  };
  sync.onRevoked = () => {
    leave();
    void shell.render();
  };
  app.changed = () => shell.drawBar();
}

// takeToken takes the code of an enrolment out of the address, where nobody else sees it.
function takeToken(): boolean {
  if (!location.hash.startsWith("#e=")) return false;
  setToken(tokenIn(location.hash));
  history.replaceState(null, "", location.pathname);
  if (app.db) void shell.render();
  return true;
}

async function begin(): Promise<void> {
  await app.start();
  if (app.db.lost) document.documentElement.dataset["lost"] = app.db.lost;
  setLanguage(((await app.db.get<Lang>("meta", "lang")) ?? "zh"));
  watch();
  await shell.render();
  if (app.device) await load().catch(() => undefined);
}

async function main(): Promise<void> {
  setLanguage("zh");
  shell.build();
  shell.install(draw, () => void lock());
  takeToken();
  void register(() => {
    if (shell.screen() === "device") void shell.render(true);
  }).catch(() => undefined);
  // The lock is given back when the page is left, though the browser may keep it to come back to.
  const left = new Promise<void>((resolve) => addEventListener("pagehide", () => resolve()));
  addEventListener("pageshow", (e) => {
    if (e.persisted) location.reload();
  });
  const started = await new Promise<boolean>((resolve) => {
    void navigator.locks.request("suyang-tablet", { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? left : undefined;
    });
  });
  if (!started) {
    elsewhere();
    await navigator.locks.request("suyang-tablet", () => undefined); // until the other tab is closed
    return location.reload();
  }
  await begin();
}

main().catch(broken);
