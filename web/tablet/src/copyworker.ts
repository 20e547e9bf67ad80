// The second copy, in a worker, as only a worker may write to a file and wait until it is on
// the disk. It is a log of what was written to the database, one write a line, in the private
// file system of the page. There are two files, of which the one that goes further counts: a
// copy that is made anew goes to the other one, and counts from its last line on.
import { Op, pack, unpack } from "./copyline";

// Handle is a file that is open, which the library of types has for workers only.
interface Handle {
  getSize(): number;
  read(into: Uint8Array, at: { at: number }): number;
  write(bytes: Uint8Array, at: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

export type Ask =
  | { do: "open" }
  | { do: "add"; n: number; ops: Op[] }
  | { do: "anew" }
  | { do: "part"; ops: Op[] }
  | { do: "whole"; n: number }
  | { do: "read" }
  | { do: "empty" }
  | { do: "close" };

// State is up to which write the copy goes, 0 when there is none, and how many times as large
// as it need be it can have become.
export interface State {
  n: number;
  bytes: number;
  least: number;
}

interface Slot {
  file: Handle;
  state: State;
}

const folder = "suyang-tablet";
let slots: [Slot, Slot];
let current = 0;
let fresh = { n: 0, bytes: 0 }; // the copy that is being made anew

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function openFile(dir: FileSystemDirectoryHandle, name: string): Promise<Handle> {
  const file = (await dir.getFileHandle(name, { create: true })) as FileSystemFileHandle & { createSyncAccessHandle(): Promise<Handle> };
  for (let tries = 0; ; tries++) {
    try {
      return await file.createSyncAccessHandle();
    } catch (err) { // the page that was here before may still be leaving
      if (tries === 50) throw err;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

// writeAll writes at a place, all or an error.
function writeAll(file: Handle, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length;) {
    const n = file.write(bytes.subarray(done), { at: at + done });
    if (n <= 0) throw new DOMException("the file takes no more", "QuotaExceededError");
    done += n;
  }
}

// lines reads whole lines; one that was cut off at the end is none.
function* lines(file: Handle): Generator<{ line: Uint8Array; end: number }> {
  const size = file.getSize();
  let rest = new Uint8Array(0);
  let end = 0;
  for (let at = 0; at < size;) {
    const block = new Uint8Array(Math.min(1 << 20, size - at));
    const n = file.read(block, { at });
    if (n <= 0) return;
    at += n;
    const joined = new Uint8Array(rest.length + n);
    joined.set(rest);
    joined.set(block.subarray(0, n), rest.length);
    let from = 0;
    for (let i = joined.indexOf(10); i >= 0; i = joined.indexOf(10, from)) {
      end += i + 1 - from;
      yield { line: joined.subarray(from, i), end };
      from = i + 1;
    }
    rest = joined.slice(from);
  }
}

// look finds how far a file goes. The lines of a copy that was not finished bear number 0.
function look(file: Handle): State {
  const state: State = { n: 0, bytes: 0, least: 0 };
  let end = 0;
  for (const l of lines(file)) {
    end = l.end;
    const head = /^\{"n":(\d+),(?:"whole":(true),)?/.exec(decoder.decode(l.line.subarray(0, 64)));
    if (!head || Number(head[1]) === 0) continue;
    state.n = Number(head[1]);
    if (head[2]) state.least = l.end;
  }
  if (end < file.getSize()) file.truncate(end);
  return { ...state, bytes: end };
}

async function open(): Promise<State> {
  const dir = await (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true });
  const [a, b] = [await openFile(dir, "copy.0"), await openFile(dir, "copy.1")];
  slots = [{ file: a, state: look(a) }, { file: b, state: look(b) }];
  current = slots[1].state.n > slots[0].state.n ? 1 : 0;
  return slots[current]!.state;
}

function add(n: number, ops: Op[]): State {
  const { file, state } = slots[current]!;
  if (n <= state.n) return state; // a copy made anew had it already
  if (n !== state.n + 1) throw new Error(`write ${n} after ${state.n}`);
  const bytes = encoder.encode(pack(n, ops));
  try {
    writeAll(file, bytes, state.bytes);
    file.flush();
  } catch (err) {
    file.truncate(state.bytes);
    throw err;
  }
  slots[current]!.state = { ...state, n, bytes: state.bytes + bytes.length };
  return slots[current]!.state;
}

function part(ops: Op[]): void {
  const bytes = encoder.encode(pack(0, ops));
  writeAll(slots[1 - current]!.file, bytes, fresh.bytes);
  fresh.bytes += bytes.length;
}

// whole ends a copy that was made anew and empties the other one.
function whole(n: number): State {
  const next = slots[1 - current]!;
  const last = encoder.encode(pack(n, [], true));
  next.file.flush();
  writeAll(next.file, last, fresh.bytes);
  next.file.flush();
  const bytes = fresh.bytes + last.length;
  next.state = { n, bytes, least: bytes };
  const old = slots[current]!;
  current = 1 - current;
  old.file.truncate(0);
  old.file.flush();
  old.state = { n: 0, bytes: 0, least: 0 };
  return next.state;
}

function empty(): void {
  for (const s of slots) {
    s.file.truncate(0);
    s.file.flush();
    s.state = { n: 0, bytes: 0, least: 0 };
  }
}

// read gives the writes of the copy, as many at a time as a message should carry.
function read(send: (ops: Op[]) => void): { damaged: number } {
  let damaged = 0;
  let some: Op[] = [];
  let size = 0;
  for (const { line } of lines(slots[current]!.file)) {
    try {
      some.push(...unpack(decoder.decode(line)).ops);
    } catch {
      damaged++;
    }
    size += line.length;
    if (size > 1 << 20) {
      send(some);
      some = [];
      size = 0;
    }
  }
  send(some);
  return { damaged };
}

async function answer(ask: Ask): Promise<unknown> {
  switch (ask.do) {
    case "open":
      return open();
    case "add":
      return add(ask.n, ask.ops);
    case "anew":
      slots[1 - current]!.file.truncate(0);
      fresh = { n: 0, bytes: 0 };
      return undefined;
    case "part":
      return part(ask.ops);
    case "whole":
      return whole(ask.n);
    case "empty":
      return empty();
    case "read":
      return read((ops) => postMessage({ ops }));
    case "close":
      for (const s of slots ?? []) s.file.close();
      return undefined;
  }
}

let turn: Promise<void> = Promise.resolve();

addEventListener("message", (e: MessageEvent<Ask>) => {
  turn = turn.then(async () => {
    try {
      postMessage({ answer: await answer(e.data) });
    } catch (err) {
      postMessage({ error: String(err), name: (err as Error).name });
    }
  });
});
