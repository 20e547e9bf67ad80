// The second copy of the database, in files that the browser keeps apart from it. Browsers
// have been seen to come up with an empty database after they were killed; with the copy that
// costs nothing.
import type { Op } from "./copyline";
import type { Ask, State } from "./copyworker";

declare const COPY: string;

type Said = { answer: unknown } | { ops: Op[] } | { error: string; name: string };

// Copy speaks with the worker that holds the files.
export class Copy {
  private waiting: { resolve: (answer: never) => void; reject: (err: Error) => void; ops?: (ops: Op[]) => void }[] = [];

  private constructor(private readonly worker: Worker, public state: State) {
    worker.onmessage = (e: MessageEvent<Said>) => {
      const said = e.data;
      if ("ops" in said) return this.waiting[0]?.ops?.(said.ops);
      const w = this.waiting.shift();
      if ("error" in said) w?.reject(new DOMException(said.error, said.name));
      else w?.resolve(said.answer as never);
    };
    worker.onerror = (e) => {
      for (const w of this.waiting.splice(0)) w.reject(new Error("the worker of the copy failed: " + e.message));
    };
  }

  // open gives undefined where the browser has no such files, and an error when they are
  // there and cannot be opened.
  static async open(): Promise<Copy | undefined> {
    const can = globalThis as { FileSystemFileHandle?: { prototype: object }; FileSystemSyncAccessHandle?: unknown };
    if (typeof navigator.storage?.getDirectory !== "function" || !can.FileSystemFileHandle) return undefined;
    const copy = new Copy(new Worker("/tablet/" + COPY), { n: 0, bytes: 0, least: 0 });
    try {
      copy.state = await copy.ask<State>({ do: "open" });
    } catch (err) {
      copy.worker.terminate();
      if (["TypeError", "NotSupportedError", "SecurityError"].includes((err as Error).name)) return undefined;
      throw err;
    }
    addEventListener("pagehide", () => copy.worker.postMessage({ do: "close" } satisfies Ask));
    return copy;
  }

  private ask<T>(ask: Ask, ops?: (ops: Op[]) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ resolve, reject, ops });
      this.worker.postMessage(ask);
    });
  }

  // add writes what write number n did, and returns when it is on the disk.
  async add(n: number, ops: Op[]): Promise<void> {
    this.state = await this.ask<State>({ do: "add", n, ops });
  }

  // anew replaces the copy by what parts give, which is the database after write number n.
  async anew(n: number, parts: (take: (ops: Op[]) => Promise<void>) => Promise<void>): Promise<void> {
    await this.ask({ do: "anew" });
    await parts((ops) => this.ask({ do: "part", ops }));
    this.state = await this.ask<State>({ do: "whole", n });
  }

  empty(): Promise<void> {
    return this.ask({ do: "empty" });
  }

  // read gives everything in the copy, and how many of its lines cannot be read.
  read(ops: (ops: Op[]) => void): Promise<{ damaged: number }> {
    return this.ask<{ damaged: number }>({ do: "read" }, ops);
  }

  // loose says that much of the copy is of no use any more.
  get loose(): boolean {
    return this.state.bytes > 2 * this.state.least + (4 << 20);
  }
}
