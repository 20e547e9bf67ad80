// The rescue file: all records of a tablet as they are kept, for the office alone to read.
import { base64, Bytes } from "./bytes";
import { Box } from "./crypto";

export interface RescueHead {
  device: string;
  made: string;
  prev: string;
  key: Box;
  report?: unknown;
}

export interface RescueRecord {
  seq: number;
  hash: string;
  iv: Bytes;
  data: Bytes;
}

// rescueLines gives the lines of the file, each with its line end.
export function rescueLines(head: RescueHead, records: RescueRecord[]): string[] {
  const lines = [JSON.stringify({ suyang: "rescue 1", ...head }) + "\n"];
  for (const r of records) lines.push(JSON.stringify({ seq: r.seq, hash: r.hash, iv: base64(r.iv), data: base64(r.data) }) + "\n");
  lines.push(JSON.stringify({ end: records.length }) + "\n");
  return lines;
}
