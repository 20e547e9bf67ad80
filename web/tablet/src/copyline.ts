// A line of the second copy: what one write did to the database.
import { base64, unbase64 } from "./bytes";

export type Op =
  | { put: string; key?: IDBValidKey; value: unknown }
  | { del: string; from: IDBValidKey; to?: IDBValidKey }; // without an end it is one key

// pack writes a line. Bytes in values become text under the key "$bytes".
export function pack(n: number, ops: Op[], whole = false): string {
  const words = JSON.stringify(ops, (_, v: unknown) => (v instanceof Uint8Array ? { $bytes: base64(v) } : v));
  return `{"n":${n},${whole ? `"whole":true,` : ""}"ops":${words}}\n`;
}

// unpack throws when the line is damaged.
export function unpack(line: string): { n: number; ops: Op[] } {
  return JSON.parse(line, (_, v: unknown) => {
    const bytes = (v as { $bytes?: unknown } | null)?.$bytes;
    return typeof bytes === "string" ? unbase64(bytes) : v;
  }) as { n: number; ops: Op[] };
}
