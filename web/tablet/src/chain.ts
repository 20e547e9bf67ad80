// The chain that binds each event to all before it: who holds one hash holds them all.
import { Bytes, join, sha256, uint64, utf8 } from "./bytes";

// genesis is h(0), from which the chain of a device begins.
export const genesis = (device: string): Promise<Bytes> => sha256(utf8("suyang journal 1\n" + device));

// link is h(seq) of an event after h(seq-1).
export const link = (before: Bytes, seq: number, event: Bytes): Promise<Bytes> => sha256(join(before, uint64(seq), event));
