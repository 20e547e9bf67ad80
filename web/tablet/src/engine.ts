// The form engine: the Go program in WebAssembly. Its memory never shrinks, so each
// interview gets a new one.
import { Evidence, Listing, Message } from "./events";

declare const FORM_WASM: string;

export interface Option {
  code: string;
  text: string;
  exclusive?: boolean;
}

export interface Item {
  key: string;
  type: string;
  text: string;
  hint?: string;
  unit?: string;
  required?: boolean;
  timed?: boolean;
  decimals?: number;
  least?: number;
  most?: number;
  grid?: string;
  put: boolean;
  values: string[];
  options?: Option[];
  steps?: { level: string; chosen?: string; parts: Option[] }[];
  svg?: string;
  image?: string;
  alt?: string;
}

export interface Page {
  id: string;
  title: string;
  intro?: string;
  first: boolean;
  back: boolean;
  row?: number;
  items: Item[];
}

export interface State {
  lang: string;
  progress: number;
  asked: number;
  answered: number;
  blank: number;
  section?: number;
  sections: number;
  page: Page | null;
}

export interface Problem {
  key?: string;
  code: string;
  limit?: number;
  soft?: boolean;
  words?: string;
}

export interface Reply {
  error?: string;
  version?: string;
  state?: State;
  ok: boolean;
  problems?: Problem[];
  result?: { answers: Record<string, string[]>; paradata: unknown; last?: string };
}

interface Go {
  importObject: WebAssembly.Imports;
  run(instance: WebAssembly.Instance): Promise<void>;
}

const here = globalThis as unknown as {
  Go: new () => Go;
  suyangForm?: (message: string) => string;
  suyangHousehold?: (message: string) => string;
};

let compiled: Promise<WebAssembly.Module> | undefined;

// load fetches and compiles the engine, once.
export function load(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compileStreaming(fetch("/tablet/" + FORM_WASM)).catch((err: unknown) => {
    compiled = undefined;
    throw err;
  });
  return compiled;
}

export class Engine {
  private constructor(private readonly form: (message: string) => string, private readonly household: (message: string) => string) {}

  static async start(): Promise<Engine> {
    const module = await load();
    const go = new here.Go();
    void go.run(await WebAssembly.instantiate(module, go.importObject)); // it never ends by itself
    const { suyangForm, suyangHousehold } = here;
    delete here.suyangForm;
    delete here.suyangHousehold;
    if (!suyangForm || !suyangHousehold) throw new Error("the engine did not start");
    return new Engine(suyangForm, suyangHousehold);
  }

  call(message: Message | { do: string; messages: Message[] } | string): Reply {
    return JSON.parse(this.form(typeof message === "string" ? message : JSON.stringify(message))) as Reply;
  }

  select(listing: Listing, number: unknown, commitment: string): { ok: boolean; error?: string; evidence?: Evidence } {
    return JSON.parse(this.household(JSON.stringify({ do: "select", listing, number, commitment }))) as { ok: boolean; error?: string; evidence?: Evidence };
  }

  checkListing(listing: Listing): { ok: boolean; error?: string } {
    return JSON.parse(this.household(JSON.stringify({ do: "check", listing }))) as { ok: boolean; error?: string };
  }
}

let ready: { compile: string; engine: Promise<Engine> } | undefined;

async function begin(compile: string): Promise<Engine> {
  const e = await Engine.start();
  const reply = e.call(compile);
  if (reply.error) throw new Error(reply.error);
  return e;
}

// prepare has an engine with a questionnaire ready, before anybody waits for it.
export function prepare(compile: string): void {
  if (ready?.compile === compile) return;
  const engine = begin(compile);
  engine.catch(() => {
    if (ready?.engine === engine) ready = undefined;
  });
  ready = { compile, engine };
}

// engineFor gives an engine that nobody else uses, with a questionnaire compiled.
export function engineFor(compile: string): Promise<Engine> {
  const mine = ready?.compile === compile ? ready.engine : begin(compile);
  ready = undefined;
  return mine;
}

let lister: Promise<Engine> | undefined;

// forHouseholds gives an engine to select persons with; it keeps nothing.
export function forHouseholds(): Promise<Engine> {
  lister ??= Engine.start().catch((err: unknown) => {
    lister = undefined;
    throw err;
  });
  return lister;
}
