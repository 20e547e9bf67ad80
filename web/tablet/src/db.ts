// The database of the tablet: IndexedDB, with promises.

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

export class Database {
  private constructor(private readonly db: IDBDatabase) {}

  static open(name = "suyang-tablet"): Promise<Database> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("meta");
        request.result.createObjectStore("events", { keyPath: "seq" }).createIndex("tag", "tag");
        request.result.createObjectStore("packages");
      };
      request.onsuccess = () => resolve(new Database(request.result));
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new DOMException("another tab holds the database", "AbortError"));
    });
  }

  // write runs a transaction and returns when it is on the disk, not merely with the
  // operating system. When work throws, nothing of it is kept.
  async write(stores: StoreName[], work: (tx: IDBTransaction) => Promise<void> | void): Promise<void> {
    const tx = this.db.transaction(stores, "readwrite", { durability: "strict" });
    const end = done(tx);
    end.catch(() => undefined); // whoever awaits below hears of it
    try {
      await work(tx);
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
  }

  get<T>(store: StoreName, key: IDBValidKey): Promise<T | undefined> {
    return result(this.db.transaction(store).objectStore(store).get(key)) as Promise<T | undefined>;
  }

  put(store: StoreName, key: IDBValidKey, value: unknown): Promise<void> {
    return this.write([store], (tx) => {
      tx.objectStore(store).put(value, key);
    });
  }

  remove(store: StoreName, key: IDBValidKey | IDBKeyRange): Promise<void> {
    return this.write([store], (tx) => {
      tx.objectStore(store).delete(key);
    });
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
