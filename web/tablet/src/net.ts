// Requests to the office. Whatever goes wrong is an error with a code that there are words for.
import { Clock } from "./clock";
import { Work } from "./events";
import { Checkpoint, Receipt } from "./receipt";

export class Refusal extends Error {
  constructor(readonly code: string, readonly status: number, message: string) {
    super(message);
  }
}

export interface Enrolled {
  now: string;
  account: { login: string; name: string };
  receipt_key: string;
  rescue_key: string;
  keep_days: number;
}

export interface Synced {
  now: string;
  receipt?: Receipt;
  checkpoint?: Checkpoint;
  want?: [number, number][];
  conflict?: number[];
}

export interface QuestionnaireAnswer {
  questionnaire: unknown;
  version: string;
  lists: unknown;
}

const patience = 60_000;

export class Office {
  constructor(private readonly clock: Clock, private readonly bearer: string) {}

  enrol(body: { token: string; device: string; secret: string; name: string }): Promise<Enrolled> {
    return this.call("POST", "/v1/tablet/enrol", body);
  }

  work(): Promise<Work> {
    return this.call("GET", "/v1/tablet/work");
  }

  questionnaire(wave: string, version: string): Promise<QuestionnaireAnswer> {
    return this.call("GET", `/v1/tablet/questionnaire/${encodeURIComponent(wave)}/${encodeURIComponent(version)}`);
  }

  sync(body: { from: number; prev: string; events: string[]; damaged?: number[]; report: unknown }): Promise<Synced> {
    return this.call("POST", "/v1/tablet/sync", body);
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), patience);
    const asked = performance.now();
    try {
      const headers: Record<string, string> = { Accept: "application/json" };
      if (body !== undefined) headers["Content-Type"] = "application/json";
      if (this.bearer) headers["Authorization"] = "Bearer " + this.bearer;
      let answer: Response;
      let words: string;
      try {
        answer = await fetch(path, { method, headers, cache: "no-store", credentials: "omit", redirect: "error", signal: stop.signal,
          ...(body !== undefined ? { body: JSON.stringify(body) } : {}) });
        words = await answer.text();
      } catch (err) {
        throw new Refusal(navigator.onLine ? "network" : "offline", 0, String(err));
      }
      let said: { now?: string; error?: string | { code?: string; message?: string }; message?: string };
      try {
        said = JSON.parse(words) as typeof said;
      } catch {
        throw new Refusal(answer.status >= 500 ? "unavailable" : answer.status === 413 ? "toolarge" : "strange", answer.status, words.slice(0, 200));
      }
      if (!answer.ok) {
        const error = typeof said.error === "string" ? { code: said.error, message: said.message } : said.error;
        throw new Refusal(error?.code ?? "strange", answer.status, error?.message ?? "");
      }
      if (said.now) this.clock.learn(said.now, asked);
      return said as T;
    } finally {
      clearTimeout(late);
    }
  }
}
