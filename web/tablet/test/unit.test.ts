// The parts of the app that need no browser, held against values from elsewhere: node's own
// cryptography, and sums done by hand.
import assert from "node:assert/strict";
import { createCipheriv, createHash, createHmac, generateKeyPairSync, hkdfSync, diffieHellman, createPublicKey, createDecipheriv, pbkdf2Sync, sign } from "node:crypto";
import { test } from "node:test";
import en from "../../text/tablet.en.json";
import zh from "../../text/tablet.zh.json";
import { tokenIn, weak } from "../src/app";
import { base64, hex, random, text, unbase64, unhex, utf8 } from "../src/bytes";
import { genesis, link } from "../src/chain";
import { Clock } from "../src/clock";
import { pack, unpack } from "../src/copyline";
import { boxFor, keysOf, openBox, openEvent, pinKey, sealEvent, tagOf, unwrap, wrap } from "../src/crypto";
import { Case, Event, Wave } from "../src/events";
import { appointmentOf, currentRun, freshAttempts, lastAttempt, over, Overlay, standingOf } from "../src/overlay";
import { checkpointHolds, checkpointText, receiptHolds, receiptText } from "../src/receipt";
import { rescueLines } from "../src/rescue";

const device = "7b0e5c34-0f0a-4c39-9a0b-2f6d1f0f6a11";

test("the chain is SHA-256 over hash, number and event", async () => {
  const h0 = createHash("sha256").update("suyang journal 1\n" + device).digest();
  assert.equal(hex(await genesis(device)), h0.toString("hex"));
  const event = '{"kind":"note","text":"门口有狗"}';
  const h1 = createHash("sha256").update(h0).update(Buffer.from([0, 0, 0, 0, 0, 0, 0, 1])).update(event).digest("hex");
  assert.equal(hex(await link(await genesis(device), 1, utf8(event))), h1);
  assert.equal(h1, "a500f8c5d8d1be586eb7aa9d6dcfb7e26456be893159c6c711d79b593f1c8abc");
});

test("bytes keep through their texts", () => {
  const bytes = random(1000);
  assert.deepEqual(unhex(hex(bytes)), bytes);
  assert.deepEqual(unbase64(base64(bytes)), bytes);
  assert.match(base64(bytes), /^[\w-]+$/);
  assert.throws(() => text(new Uint8Array([0xff])));
});

test("a line of the second copy keeps bytes, and a damaged one is none", () => {
  const ops = [{ put: "events", value: { seq: 1, iv: random(12), data: random(60_000), tag: "a" } }, { put: "meta", key: "head", value: { seq: 1, hash: "é" } }, { del: "events", from: 1, to: 5 }];
  const line = pack(7, ops);
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.deepEqual(unpack(line), { n: 7, ops });
  assert.match(pack(8, [], true), /^\{"n":8,"whole":true,"ops":\[\]\}\n$/);
  assert.throws(() => unpack(line.slice(0, 100)));
});

test("a record opens with the key and in its place only", async () => {
  const k = random(32);
  const keys = await keysOf(k, device);
  const event = utf8('{"kind":"open"}');
  const iv = random(12);
  const s = await sealEvent(keys, 7, event, iv);
  const c = createCipheriv("aes-256-gcm", k, iv).setAAD(Buffer.from(device + "\n7"));
  assert.deepEqual(Buffer.from(s.data), Buffer.concat([c.update(event), c.final(), c.getAuthTag()]));
  assert.deepEqual(await openEvent(keys, 7, s), event);
  await assert.rejects(openEvent(keys, 8, s));
  await assert.rejects(openEvent(await keysOf(random(32), device), 7, s));
  assert.equal(await tagOf(keys, "w", "C1"), await tagOf(keys, "w", "C1"));
  assert.notEqual(await tagOf(keys, "w", "C1"), await tagOf(keys, "wC", "1"));
});

test("the PIN opens the key, and another does not", async () => {
  const k = random(32);
  const salt = random(16);
  const w = await wrap(await pinKey("839127", salt), k, device);
  const kek = pbkdf2Sync("839127", salt, 600_000, 32, "sha256");
  const d = createDecipheriv("aes-256-gcm", kek, w.iv).setAAD(Buffer.from(device)).setAuthTag(w.data.subarray(-16));
  assert.deepEqual(Buffer.concat([d.update(w.data.subarray(0, -16)), d.final()]), Buffer.from(k));
  assert.deepEqual(await unwrap(await pinKey("839127", salt), w, device), k);
  await assert.rejects(unwrap(await pinKey("839128", salt), w, device));
});

const point = (jwk: { x?: string; y?: string }): string => base64(new Uint8Array([4, ...unbase64(jwk.x!), ...unbase64(jwk.y!)]));

test("the office opens the box", async () => {
  const office = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const k = random(32);
  const b = await boxFor(point(office.publicKey.export({ format: "jwk" })), k, device, "secret");
  assert.equal(b.proof, createHmac("sha256", createHash("sha256").update("device\0secret").digest()).update(["suyang rescue proof 1", device, b.epk, b.iv, b.box, ""].join("\n")).digest("base64url"));
  const epk = unbase64(b.epk);
  const other = createPublicKey({ key: { kty: "EC", crv: "P-256", x: base64(epk.subarray(1, 33)), y: base64(epk.subarray(33)) }, format: "jwk" });
  const z = diffieHellman({ privateKey: office.privateKey, publicKey: other });
  const key = Buffer.from(hkdfSync("sha256", z, "", "suyang rescue 1\n" + device, 32));
  const box = unbase64(b.box);
  const d = createDecipheriv("aes-256-gcm", key, unbase64(b.iv)).setAAD(Buffer.from(device)).setAuthTag(box.subarray(-16));
  assert.deepEqual(Buffer.concat([d.update(box.subarray(0, -16)), d.final()]), Buffer.from(k));
  const own = await crypto.subtle.importKey("jwk", office.privateKey.export({ format: "jwk" }) as JsonWebKey, { name: "ECDH", namedCurve: "P-256" }, false, ["deriveKey", "deriveBits"]);
  assert.deepEqual(await openBox(own, b, device), k);
});

test("a receipt holds for what was sent, signed by the office, and for nothing else", async () => {
  const office = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = point(office.publicKey.export({ format: "jwk" }));
  const head = "ab".repeat(32);
  const signed = (words: string): string => sign("sha256", Buffer.from(words), { key: office.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url");
  const r = { device, from: 3, to: 9, head, at: "2026-11-26T08:00:00Z", signature: "" };
  assert.equal(receiptText(r), `suyang tablet receipt 1\n${device}\n3\n9\n${head}\n2026-11-26T08:00:00Z\n`);
  r.signature = signed(receiptText(r));
  const sent = { device, from: 3, to: 9, head };
  assert.equal(await receiptHolds(key, r, sent), true);
  assert.equal(await receiptHolds(key, { ...r, at: "2026-11-26T08:00:01Z" }, sent), false);
  assert.equal(await receiptHolds(key, { ...r, to: 10 }, { ...sent, to: 10 }), false);
  assert.equal(await receiptHolds(key, r, { ...sent, head: "cd".repeat(32) }), false);
  assert.equal(await receiptHolds("AAAA", r, sent), false);
  assert.equal(await receiptHolds(key, { ...r, signature: base64(random(64)) }, sent), false);
  const c = { device, upto: 9, head, at: r.at, signature: "" };
  c.signature = signed(checkpointText(c));
  assert.equal(await checkpointHolds(key, c, device, async (n) => (n === 9 ? head : undefined)), true);
  assert.equal(await checkpointHolds(key, c, device, async () => "cd".repeat(32)), false);
  assert.equal(await checkpointHolds(key, { ...c, upto: 8 }, device, async () => head), false);
  assert.equal(await checkpointHolds(key, c, "other", async () => head), false);
});

test("the rescue file has a line for each record, and its end", () => {
  const rec = { seq: 4, hash: "aa", iv: new Uint8Array([1]), data: new Uint8Array([255, 254]) };
  const key = { epk: "e", iv: "i", box: "b", proof: "p" };
  assert.deepEqual(rescueLines({ device, made: "2026-11-26T08:00:00Z", prev: "00", key }, [rec]), [
    `{"suyang":"rescue 1","device":"${device}","made":"2026-11-26T08:00:00Z","prev":"00","key":{"epk":"e","iv":"i","box":"b","proof":"p"}}\n`,
    '{"seq":4,"hash":"aa","iv":"AQ","data":"__4"}\n',
    '{"end":1}\n',
  ]);
});

const case_: Case = { id: "C1", place: "", state: "assigned", attempts: 1, last_attempt: { at: "2026-11-01T00:00:00Z", contact: "visit", outcome: "nobody-home" }, interview: "i", revision: 0, done: false, method: 1 };
let mono = 0;
const event = (e: object, at = "2026-11-26T08:00:00Z"): Event => ({ at, mono: mono++, run: 1, wave: "w", case: "C1", ...e }) as Event;
const begin = { kind: "begin", interview: "i", revision: 0, version: "v", booklet: "", seed: 1, lang: "zh" };

test("an interview is open, broken off, taken up again, finished", () => {
  const o = new Overlay();
  const c = o.of("w", "C1");
  const stands = (want: string, of = case_): void => assert.equal(standingOf(of, c), want);
  stands("office");
  o.add(1, event({ kind: "select", evidence: { selection: { line: 2, k: 3, basis: 1 } } }));
  stands("listed");
  o.add(2, event({ kind: "select", evidence: { selection: { line: 1, k: 3, basis: 1 } } }));
  assert.equal(c.selection?.evidence.selection.line, 2, "the first selection stands");
  o.add(3, event(begin));
  stands("open");
  o.add(4, event({ kind: "part", interview: "i", body: "{}" }));
  stands("parted");
  assert.equal(currentRun(case_, c)?.revision, 1, "what comes after a break-off is a revision of it");
  o.add(5, event({ kind: "step", interview: "i", message: { do: "next" } }));
  stands("open");
  o.add(6, event({ kind: "finish", interview: "i", body: "{}" }));
  stands("finished");
  stands("done", { ...case_, done: true });
  stands("office", { ...case_, returned: "again", revision: 2 });
  stands("finished", { ...case_, returned: "again", revision: 1 });
  o.add(7, event({ kind: "something-new" }));
  stands("finished");
});

test("attempts count from the office, and those that it does not know yet from here", () => {
  const o = new Overlay();
  o.add(1, event({ kind: "attempt", attempt: { at: "2026-11-20T08:00:00Z", contact: "visit", outcome: "appointment", appointment: "2026-12-01T08:00:00Z" } }));
  o.add(2, event({ kind: "attempt", attempt: { at: "2026-11-21T08:00:00Z", contact: "phone", outcome: "nobody-home" } }));
  const c = o.of("w", "C1");
  assert.equal(freshAttempts(c, 0).length, 2);
  assert.equal(freshAttempts(c, 1).length, 1);
  assert.equal(lastAttempt(case_, c, 0)?.contact, "phone");
  assert.equal(appointmentOf(case_, c, 0), undefined, "a later attempt without an appointment ends the earlier one");
  assert.equal(appointmentOf({ ...case_, appointment: "2026-12-02T08:00:00Z" }, c, 2), "2026-12-02T08:00:00Z");
});

test("time is corrected, monotone, and jumps are seen", () => {
  let wall = Date.parse("2026-11-26T08:00:00Z");
  let steady = 1000;
  const c = new Clock(0, { wall: () => wall, steady: () => steady });
  const pass = (ms: number): void => {
    wall += ms;
    steady += ms;
  };
  c.learn("2026-11-26T08:10:00.000Z", steady);
  assert.equal(c.stamp().at, "2026-11-26T08:10:00.000Z");
  pass(60_000);
  assert.equal(c.moved(), 0);
  wall -= 3_600_000;
  assert.equal(c.moved(), -3_600_000);
  assert.equal(c.stamp().at, "2026-11-26T08:11:00.000Z", "a clock set back does not set the journal back");
  wall += 86_400_000;
  assert.equal(c.moved(), 86_400_000);
  assert.equal(c.now().toISOString(), "2026-11-26T08:11:00.000Z");
  c.hidden(true);
  assert.equal(c.moved(), 0);
  wall += 1_800_000; // asleep, while the steady counter stood still
  c.hidden(false);
  assert.equal(c.moved(), 1_800_000);
  assert.equal(c.now().toISOString(), "2026-11-26T08:41:00.000Z");
  assert.equal(c.notBefore("2026-11-26T09:00:00.000Z"), -19 * 60_000);
  assert.equal(c.stamp().at, "2026-11-26T09:00:00.000Z");
  assert.equal(c.stamp().mono, steady);
});

test("a clock that was set forward while nobody looked is left behind once the office says the time", () => {
  let wall = Date.parse("2026-11-26T08:00:00Z");
  let steady = 1000;
  const c = new Clock(0, { wall: () => wall, steady: () => steady });
  c.hidden(true); // the settings are on the screen
  wall += 365 * 86_400_000;
  c.hidden(false);
  const o = new Overlay();
  o.add(1, event({ kind: "note", text: "a" }, c.stamp().at));
  assert.equal(o.last, "2027-11-26T08:00:00.000Z", "as if the tablet had slept");
  wall -= 365 * 86_400_000;
  c.moved();
  c.learn("2026-11-26T08:00:05.000Z", steady);
  assert.equal(c.stamp().at, "2026-11-26T08:00:05.000Z");
  assert.equal(c.moved(), 5000 - 365 * 86_400_000, "and the journal says so");
  o.add(2, event({ kind: "note", text: "b" }, c.stamp().at));
  assert.equal(new Clock(0, { wall: () => wall, steady: () => steady }).notBefore(o.last), 0, "also when the app is opened anew");
});

test("no interview begins when it would not count", () => {
  const w = { open: true } as Wave;
  assert.equal(over(w, undefined, new Date()), false);
  assert.equal(over({ ...w, open: false }, undefined, new Date()), true);
  assert.equal(over(w, "2026-11-26", new Date("2026-11-26T15:59:00Z")), false, "the last minute of the day in China");
  assert.equal(over(w, "2026-11-26", new Date("2026-11-26T16:00:00Z")), true);
});

test("weak PINs are refused", () => {
  for (const pin of ["000000", "123456", "654321", "890123", "121212", "123123", "112233", "111222", "9999999"]) assert.equal(weak(pin), true, pin);
  for (const pin of ["839127", "204915", "7391846"]) assert.equal(weak(pin), false, pin);
});

test("the code is found in what was scanned or pasted", () => {
  assert.equal(tokenIn("https://survey.example/tablet#e=abcDEF12_-"), "abcDEF12_-");
  assert.equal(tokenIn("  abcDEF12_- "), "abcDEF12_-");
  assert.equal(tokenIn("#e=abcDEF12_-"), "abcDEF12_-");
  assert.equal(tokenIn("https://survey.example/tablet"), "");
});

test("both languages have the same words to fill in", () => {
  assert.deepEqual(Object.keys(en), Object.keys(zh));
  const holes = (s: string): string[] => (s.match(/\{\w+\}/g) ?? []).sort();
  for (const key of Object.keys(zh) as (keyof typeof zh)[]) {
    assert.deepEqual(holes(en[key]), holes(zh[key]), key);
    assert.ok(zh[key].trim() !== "" || key === "comma", key);
  }
});
