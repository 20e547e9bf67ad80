// Receipts and checkpoints: the office's signed word, which the tablet checks before it
// believes that anything has arrived.
import { Bytes, unbase64, utf8 } from "./bytes";

export interface Receipt {
  device: string;
  from: number;
  to: number;
  head: string;
  at: string;
  signature: string;
}

export interface Checkpoint {
  device: string;
  upto: number;
  head: string;
  at: string;
  signature: string;
}

export const receiptText = (r: Receipt): string => `suyang tablet receipt 1\n${r.device}\n${r.from}\n${r.to}\n${r.head}\n${r.at}\n`;
export const checkpointText = (c: Checkpoint): string => `suyang tablet checkpoint 1\n${c.device}\n${c.upto}\n${c.head}\n${c.at}\n`;

async function signed(key: string, words: string, signature: string): Promise<boolean> {
  try {
    const pub = await crypto.subtle.importKey("raw", unbase64(key), { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    const raw: Bytes = unbase64(signature);
    return raw.length === 64 && (await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, pub, raw, utf8(words)));
  } catch {
    return false; // neither a key nor a signature
  }
}

// Sent is what the tablet sent and wants a receipt of; head is its own hash of the last.
export interface Sent {
  device: string;
  from: number;
  to: number;
  head: string;
}

// receiptHolds says whether a receipt is the office's, and of exactly what was sent.
export async function receiptHolds(key: string, r: Receipt, sent: Sent): Promise<boolean> {
  return r.device === sent.device && r.from === sent.from && r.to === sent.to && r.head === sent.head && signed(key, receiptText(r), r.signature);
}

// checkpointHolds says whether a checkpoint is the office's and of this journal; own gives
// the tablet's hash of an event, or undefined when it never had one of that number.
export async function checkpointHolds(key: string, c: Checkpoint, device: string, own: (seq: number) => Promise<string | undefined>): Promise<boolean> {
  return c.device === device && Number.isInteger(c.upto) && c.upto >= 0 && (await own(c.upto)) === c.head && signed(key, checkpointText(c), c.signature);
}
