// The words of the app, which are in web/text, and the way times are written.
import en from "../../text/tablet.en.json";
import zh from "../../text/tablet.zh.json";
import { Words } from "./events";

export type Key = keyof typeof zh;
export type Lang = "zh" | "en";

const all: Record<Lang, Record<string, string>> = { zh, en };
let lang: Lang = "zh";

export const language = (): Lang => lang;
export const setLanguage = (l: Lang): void => {
  lang = l;
  document.documentElement.lang = langTag(l);
};

// langTag is how a language is written in the page.
export const langTag = (l: string): string => (l === "zh" ? "zh-Hans" : l);

function fill(words: string, values: Record<string, string | number>): string {
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

export const t = (key: Key, values: Record<string, string | number> = {}): string => fill(all[lang][key] ?? key, values);

// find gives the words of a key that is put together, or undefined.
export function find(key: string, values: Record<string, string | number> = {}, in_: string = lang): string | undefined {
  const words = (all[in_ as Lang] ?? all[lang])[key];
  return words === undefined ? undefined : fill(words, values);
}

// said gives a text of the office in the language of the app.
export const said = (w: Words | undefined): string => (w ? w[lang] || w["zh"] || w["en"] || "" : "");

const china = 8 * 3600_000;
const shifted = (at: string | number | Date): Date => new Date(new Date(at).getTime() + china);

// time writes a moment as the clocks in China show it.
export function time(at: string | number | Date): string {
  const d = shifted(at);
  return Number.isNaN(d.getTime()) ? "" : d.toISOString().slice(0, 16).replace("T", " ");
}

// field and fromField turn a moment into the text of a field of date and time, and back.
export const field = (at: Date): string => shifted(at).toISOString().slice(0, 16);
export function fromField(text: string): Date | undefined {
  const d = new Date(text + (text.length === 16 ? ":00" : "") + "+08:00");
  return Number.isNaN(d.getTime()) ? undefined : d;
}

// day is the date of a moment in China.
export function day(at: Date): { year: number; month: number; day: number } {
  const d = shifted(at);
  return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate() };
}

export function size(bytes: number): string {
  if (bytes >= 1 << 30) return (bytes / (1 << 30)).toFixed(1) + " GiB";
  if (bytes >= 1 << 20) return (bytes / (1 << 20)).toFixed(1) + " MiB";
  return Math.ceil(bytes / 1024) + " KiB";
}
