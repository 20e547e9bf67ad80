// The database of the tablet: IndexedDB, with promises and a second copy.
import { Bytes } from "./bytes";
import { Copy } from "./copy";
import { Op } from "./copyline";

export type StoreName = "meta" | "events" | "packages";

function done(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error ?? new DOMException("the transaction was aborted", "AbortError"));
  });
}

export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// Tx is a transaction under way. What it does is noted for the second copy.
export class Tx {
  readonly ops: Op[] = [];

  constructor(private readonly tx: IDBTransaction) {}

  get<T>(store: StoreName, key: IDBValidKey): Promise<T | undefined> {
    return result(this.tx.objectStore(store).get(key)) as Promise<T | undefined>;
  }

  // put writes a value; those of a store that has its keys in its values come without one.
  put(store: StoreName, value: unknown, key?: IDBValidKey): void {
    this.tx.objectStore(store).put(value, key);
    this.ops.push({ put: store, ...(key === undefined ? {} : { key }), value });
  }

  // add is put for what must not be there yet.
  add(store: StoreName, value: unknown): void {
    this.tx.objectStore(store).add(value);
    this.ops.push({ put: store, value });
  }

  // remove deletes a key, or all from one to another.
  remove(store: StoreName, from: IDBValidKey, to?: IDBValidKey): void {
    this.tx.objectStore(store).delete(to === undefined ? from : IDBKeyRange.bound(from, to));
    this.ops.push({ del: store, from, ...(to === undefined ? {} : { to }) });
  }
}

const stores: StoreName[] = ["meta", "events", "packages"];

// writes is the key of the number of writes so far; restores that of how many times the
// database was made from the second copy.
const writes = "writes";
const restores = "restores";

export class Database {
  private copy: Copy | undefined;
  private behind = true;
  private mending: Promise<void> | undefined;
  // lost is what the browser said when it began with an empty database.
  lost = "";

  private constructor(private readonly db: IDBDatabase) {}

  // open opens the database and its second copy. When the copy goes further, as after a
  // browser came up with an empty database, the database is made from it; when it does not go
  // as far, it is made anew.
  static async open(name = "suyang-tablet"): Promise<Database> {
    let lost = "";
    const db = await new Promise<Database>((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = (e) => {
        const { dataLoss, dataLossMessage } = e as IDBVersionChangeEvent & { dataLoss?: string; dataLossMessage?: string };
        if (dataLoss && dataLoss !== "none") lost = dataLoss + ": " + (dataLossMessage ?? "");
        request.result.createObjectStore("meta");
        request.result.createObjectStore("events", { keyPath: "seq" }).createIndex("tag", "tag");
        request.result.createObjectStore("packages");
      };
      request.onsuccess = () => resolve(new Database(request.result));
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new DOMException("another tab holds the database", "AbortError"));
    });
    db.lost = lost;
    let n = (await db.get<number>("meta", writes)) ?? 0;
    const empty = n === 0 && (await db.keys("meta")).length === 0;
    try {
      db.copy = await Copy.open();
    } catch (err) {
      if (empty) throw err; // what is to be restored may be in it
    }
    if (!db.copy) return db;
    if (db.copy.state.n > n) await db.restore(db.copy);
    else if (n === 0 && !empty) await db.write([], () => undefined); // of a version that had no copy
    n = (await db.get<number>("meta", writes)) ?? 0;
    db.behind = db.copy.state.n !== n;
    if (db.behind || db.copy.loose) await db.copyAnew();
    return db;
  }

  // restore makes the database from the copy, all of it or nothing.
  private async restore(copy: Copy): Promise<void> {
    const all: Op[] = [];
    const { damaged } = await copy.read((ops) => {
      for (const op of ops) all.push(op);
    });
    const before = (await this.get<number>("meta", restores)) ?? 0;
    const tx = this.db.transaction(stores, "readwrite", { durability: "strict" });
    const end = done(tx);
    for (const s of stores) tx.objectStore(s).clear();
    let times = before;
    for (const op of all) {
      if ("del" in op) tx.objectStore(op.del).delete(op.to === undefined ? op.from : IDBKeyRange.bound(op.from, op.to));
      else {
        tx.objectStore(op.put).put(op.value, op.key);
        if (op.put === "meta" && op.key === restores) times = Math.max(times, op.value as number);
      }
    }
    tx.objectStore("meta").put(copy.state.n, writes);
    await end;
    this.lost ||= damaged > 0 ? `${damaged} lines of the copy` : "restored";
    this.behind = false;
    await this.put("meta", restores, times + 1);
  }

  // copyAnew writes the whole database into the copy.
  private copyAnew(): Promise<void> {
    this.mending ??= this.copyAll().then(() => {
      this.behind = false;
    }, () => undefined).finally(() => {
      this.mending = undefined;
    });
    return this.mending;
  }

  // copyAll reads everything in one transaction, so that what is copied belongs together.
  private async copyAll(): Promise<void> {
    const copy = this.copy;
    if (!copy) throw new Error("there is no copy");
    const tx = this.db.transaction(stores);
    const all = await Promise.all(stores.map(async (store) => {
      const s = tx.objectStore(store);
      const [keys, values] = await Promise.all([result(s.getAllKeys()), result(s.getAll())]);
      return values.map((value, i): Op => ({ put: store, ...(s.keyPath === null ? { key: keys[i]! } : {}), value }));
    }));
    const n = all[0]!.find((op) => "put" in op && op.key === writes) as { value: number } | undefined;
    await copy.anew(n?.value ?? 0, async (take) => {
      for (const ops of all) for (let i = 0; i < ops.length; i += 200) await take(ops.slice(i, i + 200));
    });
  }

  // forget makes the copy anew, without anything that was deleted, or empties it.
  async forget(): Promise<void> {
    this.behind = true;
    await this.copyAnew();
    if (this.behind) await this.copy?.empty();
  }

  // copied says whether the second copy has everything, and tries to mend it when not.
  async copied(): Promise<boolean> {
    if (this.copy && this.behind) await this.copyAnew();
    return !this.behind;
  }

  // restored is how many times the database was made from its second copy.
  async restored(): Promise<number> {
    return (await this.get<number>("meta", restores)) ?? 0;
  }

  // write runs a transaction and returns when it is on the disk, not merely with the
  // operating system, and in the second copy too, unless that fails. When work throws, nothing
  // of it is kept.
  async write(names: StoreName[], work: (tx: Tx) => Promise<void> | void): Promise<void> {
    const tx = this.db.transaction([...new Set<StoreName>(["meta", ...names])], "readwrite", { durability: "strict" });
    const end = done(tx);
    end.catch(() => undefined); // whoever awaits below hears of it
    const noted = new Tx(tx);
    let n = 0;
    try {
      n = ((await noted.get<number>("meta", writes)) ?? 0) + 1;
      await work(noted);
      noted.put("meta", n, writes);
    } catch (err) {
      try {
        tx.abort();
      } catch {
        // it was over already
      }
      await end.catch(() => undefined);
      throw err;
    }
    await end;
    await this.mending;
    if (!this.copy || this.behind) return;
    await this.copy.add(n, noted.ops).catch(() => {
      this.behind = true;
    });
  }

  get<T>(store: StoreName, key: IDBValidKey): Promise<T | undefined> {
    return result(this.db.transaction(store).objectStore(store).get(key)) as Promise<T | undefined>;
  }

  put(store: StoreName, key: IDBValidKey, value: unknown): Promise<void> {
    return this.write([store], (tx) => tx.put(store, value, key));
  }

  remove(store: StoreName, from: IDBValidKey, to?: IDBValidKey): Promise<void> {
    return this.write([store], (tx) => tx.remove(store, from, to));
  }

  // probe writes bytes and reads them back, apart from everything else.
  async probe(bytes: Bytes): Promise<Bytes | undefined> {
    const tx = this.db.transaction("meta", "readwrite", { durability: "strict" });
    const end = done(tx);
    const meta = tx.objectStore("meta");
    meta.put(bytes, "probe");
    await end;
    const back = await this.get<Bytes>("meta", "probe");
    this.db.transaction("meta", "readwrite").objectStore("meta").delete("probe");
    return back;
  }

  keys(store: StoreName): Promise<IDBValidKey[]> {
    return result(this.db.transaction(store).objectStore(store).getAllKeys());
  }

  range<T>(store: StoreName, range?: IDBKeyRange, most?: number): Promise<T[]> {
    return result(this.db.transaction(store).objectStore(store).getAll(range, most)) as Promise<T[]>;
  }

  tagged<T>(tag: string): Promise<T[]> {
    return result(this.db.transaction("events").objectStore("events").index("tag").getAll(tag)) as Promise<T[]>;
  }
}
