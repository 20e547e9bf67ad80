// The events of the journal, and the other shapes that the office and the tablet exchange.

export type Words = Record<string, string>;

export interface Place {
  lat: number;
  lon: number;
  accuracy: number;
}

export interface Attempt {
  at: string;
  contact: string;
  outcome: string;
  appointment?: string;
  place?: Place;
}

export interface Birthday {
  month: number;
  day: number;
}

export interface Person {
  line: number;
  sex: number; // 1 man, 2 woman, 3 unknown
  age: number; // -1 unknown
  birthday: Birthday; // zeros when unknown
  eligible: boolean;
}

export interface Listing {
  case: string;
  method: number;
  date: { year: number; month: number; day: number };
  opener: number;
  persons: Person[];
}

export interface Evidence {
  listing: Listing;
  locked: string;
  number: { case: string; value: string; nonce: string };
  selection: { line: number; k: number; basis: number };
}

// Message is one to the form engine.
export interface Message {
  do: string;
  key?: string;
  values?: string[] | Record<string, string[]>;
  page?: string;
  took?: number;
  lang?: string;
  booklet?: string;
  seed?: number;
}

export interface About {
  wave?: string;
  case?: string;
}

export type Content =
  | { kind: "open"; app: string; engine: string; agent: string; offset: number }
  | { kind: "checkout" | "checkin"; report: Report }
  | { kind: "attempt"; attempt: Attempt }
  | { kind: "select"; evidence: Evidence }
  | { kind: "relist"; listing: Listing }
  | { kind: "note"; text: string }
  | { kind: "begin"; interview: string; revision: number; version: string; booklet: string; seed: number; lang: string }
  | { kind: "step"; interview: string; message: Message }
  | { kind: "finish" | "part"; interview: string; body: string }
  | { kind: "clock"; moved: number };

export type Stamp = { at: string; mono: number; run: number };
export type Event = Content & About & Stamp;

export interface Report {
  app: string;
  engine: string;
  questionnaires: string[];
  persisted: boolean;
  quota: number;
  usage: number;
  write: boolean;
  copied: boolean;
  restored: number;
  offset: number;
  battery?: number;
  charging?: boolean;
  run: number; // with mono: which of two reports is the later one
  mono: number;
  last: number;
  unsent: number;
  damaged: number;
  open: number;
  begun: number;
  finished: number;
  parted: number;
  attempts: number;
  selections: number;
  relists: number;
  notes: number;
}

// Named is a code with its words. An outcome says which cases it is for: those in which a
// person of the household is selected, and persons who were drawn.
export interface Named {
  code: string;
  name: Words;
  household?: boolean;
  person?: boolean;
}

export interface Case {
  id: string;
  place: string;
  facts?: { name: Words; value: string }[];
  state: string;
  attempts: number;
  last_attempt?: { at: string; contact: string; outcome: string };
  appointment?: string;
  interview: string;
  revision: number;
  booklet?: string;
  done: boolean;
  method: number;
  number?: { case: string; value: string; nonce: string };
  commitment?: string;
  selection?: Evidence;
  returned?: string;
  withdrawn?: boolean; // put here by the tablet: the office gave it to somebody else meanwhile
}

export interface Wave {
  id: string;
  title: Words;
  survey: string;
  version: string;
  languages: string[];
  open: boolean;
  population?: Words;
  cases: Case[] | null;
}

export interface Work {
  now: string;
  account: { login: string; name: string };
  keep_days: number;
  contacts: Named[];
  outcomes: Named[];
  waves: Wave[];
  covers?: number; // put here by the tablet: up to which event the office had carried out
  fetched?: string; // put here by the tablet
}
