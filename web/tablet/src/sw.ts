// Keeps the files of the app, each checked against its hash, and gives them out without a
// network. It never touches what goes to and from the office.

declare const BUILD: string;
declare const FILES: [path: string, hash: string][];

interface Extendable extends globalThis.Event {
  waitUntil(p: Promise<unknown>): void;
}

interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(r: Promise<Response>): void;
}

const worker = self as unknown as {
  addEventListener(type: string, listener: (e: never) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
};
const store = "suyang-tablet-" + BUILD;

async function fetchAll(): Promise<void> {
  const cache = await caches.open(store);
  for (const [path, hash] of FILES) {
    if (await cache.match(path)) continue; // of an install that was cut short
    const answer = await fetch(path, { cache: "no-cache", credentials: "omit" });
    if (!answer.ok) throw new Error(path + ": " + answer.status);
    const sum = await crypto.subtle.digest("SHA-256", await answer.clone().arrayBuffer());
    const digits = [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, "0")).join("");
    if (digits !== hash) throw new Error(path + " is of another version");
    await cache.put(path, answer);
  }
}

worker.addEventListener("install", (e: Extendable) => e.waitUntil(fetchAll()));

worker.addEventListener("activate", (e: Extendable) => e.waitUntil((async () => {
  for (const key of await caches.keys()) if (key.startsWith("suyang-tablet-") && key !== store) await caches.delete(key);
  await worker.clients.claim();
})()));

worker.addEventListener("message", (e: MessageEvent) => {
  if (e.data === "use") void worker.skipWaiting();
});

worker.addEventListener("fetch", (e: Fetching) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== worker.location.origin) return;
  const path = url.pathname === "/tablet/" ? "/tablet" : url.pathname;
  if (!FILES.some(([p]) => p === path)) return;
  e.respondWith(caches.open(store).then(async (cache) => (await cache.match(path)) ?? fetch(e.request)));
});
