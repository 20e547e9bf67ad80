// The service worker keeps the app itself on the tablet. A new version waits until it is
// asked for, or until the app is closed.

let registration: ServiceWorkerRegistration | undefined;
let changed: () => void = () => undefined;
let asked = false;

export async function register(onWaiting: () => void): Promise<void> {
  changed = onWaiting;
  if (!("serviceWorker" in navigator)) return;
  registration = await navigator.serviceWorker.register("/tablet/sw.js", { scope: "/tablet", updateViaCache: "none" });
  registration.addEventListener("updatefound", () => {
    registration?.installing?.addEventListener("statechange", () => changed());
  });
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (asked) location.reload();
  });
  changed();
}

// waiting says whether a new version is there to be taken into use.
export const waiting = (): boolean => Boolean(registration?.waiting && navigator.serviceWorker.controller);

// look asks the office whether there is a new version.
export const look = async (): Promise<void> => {
  await registration?.update().catch(() => undefined);
};

export function apply(): void {
  asked = true;
  registration?.waiting?.postMessage("use");
}

// cached says whether the app can be opened without a network.
export async function cached(): Promise<boolean> {
  if (!("serviceWorker" in navigator)) return false;
  const ready = await Promise.race([navigator.serviceWorker.ready, new Promise<undefined>((done) => setTimeout(done, 10_000, undefined))]);
  return Boolean(ready?.active) && (await caches.keys()).some((k) => k.startsWith("suyang-tablet-"));
}
