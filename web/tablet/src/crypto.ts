// What the tablet keeps is encrypted under one key K. K is kept twice: wrapped under the
// PIN, and in a box that only the office can open.
import { base64, Bytes, hex, join, random, sha256, unbase64, utf8 } from "./bytes";

export const PIN_ROUNDS = 600_000;

// Sealed is what AES-256-GCM makes: the nonce, and the text with its tag.
export interface Sealed {
  iv: Bytes;
  data: Bytes;
}

// Box is K for the office, as the rescue file has it.
export interface Box {
  epk: string;
  iv: string;
  box: string;
  proof: string;
}

// Keys are K in use: to seal with, and to tag records with.
export interface Keys {
  device: string;
  seal: CryptoKey;
  tag: CryptoKey;
}

async function encrypt(key: CryptoKey, plain: Bytes, about: string, iv: Bytes = random(12)): Promise<Sealed> {
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(about) }, key, plain);
  return { iv, data: new Uint8Array(data) };
}

async function decrypt(key: CryptoKey, s: Sealed, about: string): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: s.iv, additionalData: utf8(about) }, key, s.data));
}

const aes = (raw: Bytes): Promise<CryptoKey> => crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);

// pinKey makes a key of a PIN. It takes long on purpose.
export async function pinKey(pin: string, salt: Bytes, rounds = PIN_ROUNDS): Promise<CryptoKey> {
  const word = await crypto.subtle.importKey("raw", utf8(pin), "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds }, word,
    { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

export const wrap = (by: CryptoKey, k: Bytes, device: string): Promise<Sealed> => encrypt(by, k, device);

// unwrap throws when the PIN was another.
export const unwrap = (by: CryptoKey, wrapped: Sealed, device: string): Promise<Bytes> => decrypt(by, wrapped, device);

async function boxKey(own: CryptoKey, other: CryptoKey, device: string): Promise<CryptoKey> {
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: other }, own, 256);
  const z = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8("suyang rescue 1\n" + device) }, z,
    { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

const point = (raw: Bytes): Promise<CryptoKey> => crypto.subtle.importKey("raw", raw, { name: "ECDH", namedCurve: "P-256" }, false, []);

// proofOf says that whoever closed a box knows the secret of the device: the key that it was
// closed with is known to others, too.
async function proofOf(b: Omit<Box, "proof">, device: string, secret: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", await sha256(utf8("device\0" + secret)), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return base64(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(`suyang rescue proof 1\n${device}\n${b.epk}\n${b.iv}\n${b.box}\n`))));
}

// boxFor puts K into a box that whoever has the private key of rescueKey can open.
export async function boxFor(rescueKey: string, k: Bytes, device: string, secret: string): Promise<Box> {
  const own = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const epk = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
  const s = await encrypt(await boxKey(own.privateKey, await point(unbase64(rescueKey)), device), k, device);
  const b = { epk: base64(epk), iv: base64(s.iv), box: base64(s.data) };
  return { ...b, proof: await proofOf(b, device, secret) };
}

// openBox is what the office does; the tablet has it for its tests only.
export async function openBox(privateKey: CryptoKey, b: Box, device: string): Promise<Bytes> {
  const key = await boxKey(privateKey, await point(unbase64(b.epk)), device);
  return decrypt(key, { iv: unbase64(b.iv), data: unbase64(b.box) }, device);
}

// keysOf takes K into use.
export async function keysOf(k: Bytes, device: string): Promise<Keys> {
  const material = await crypto.subtle.importKey("raw", k, "HKDF", false, ["deriveKey"]);
  const tag = await crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8("suyang tag 1\n" + device) }, material,
    { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign"]);
  return { device, seal: await aes(k), tag };
}

export const sealEvent = (keys: Keys, seq: number, event: Bytes, iv?: Bytes): Promise<Sealed> => encrypt(keys.seal, event, keys.device + "\n" + seq, iv);

// openEvent throws when the record was damaged, or stands in another's place.
export const openEvent = (keys: Keys, seq: number, s: Sealed): Promise<Bytes> => decrypt(keys.seal, s, keys.device + "\n" + seq);

// sealThing and openThing keep what is no event, under a label that is no number.
export const sealThing = (keys: Keys, label: string, plain: Bytes): Promise<Sealed> => encrypt(keys.seal, plain, keys.device + "\n" + label);
export const openThing = (keys: Keys, label: string, s: Sealed): Promise<Bytes> => decrypt(keys.seal, s, keys.device + "\n" + label);

// tagOf names a case without telling which it is.
export async function tagOf(keys: Keys, wave: string, id: string): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.sign("HMAC", keys.tag, join(utf8(wave), new Uint8Array(1), utf8(id))));
  return hex(sum.subarray(0, 16));
}
