// One way to ask the server: adds the token, and turns every failure into a `Trouble` that has words and a next step.

import { token, tokenWanted } from "./token";
import type { Told } from "./types";

export class Trouble extends Error {
  readonly code: string;
  readonly hint: string;
  readonly status: number;

  constructor(told: Told, status: number) {
    super(told.message);
    this.code = told.code;
    this.hint = told.hint;
    this.status = status;
  }
}

export function asTrouble(thrown: unknown): Trouble {
  if (thrown instanceof Trouble) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Trouble({ code: "studio", message: `The page could not go on: ${message}.`, hint: "Load the page again." }, 0);
}

export function headers(more: Record<string, string> = {}): Record<string, string> {
  return token.value ? { ...more, Authorization: `Bearer ${token.value}` } : more;
}

export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: headers(init.headers as Record<string, string>) });
  } catch (thrown) {
    if (init.signal?.aborted) throw thrown;
    throw new Trouble(UNREACHABLE, 0);
  }
  if (response.ok) return response;
  throw await refusal(response);
}

export async function askJson<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await ask(path, init)).json() as Promise<T>;
}

export function sendJson<T>(path: string, body: unknown, more: Record<string, string> = {}): Promise<T> {
  return askJson<T>(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...more },
    body: JSON.stringify(body),
  });
}

const UNREACHABLE: Told = {
  code: "no-server",
  message: "The server does not answer.",
  hint: "Look whether “unflat studio” still runs in its window, then try again.",
};

async function refusal(response: Response): Promise<Trouble> {
  if (response.status === 401) tokenWanted.value = true;
  const told = await response
    .json()
    .then((body: { error?: Told }) => body.error)
    .catch(() => undefined);
  return new Trouble(
    told ?? { code: `http-${response.status}`, message: `The server answered ${response.status}.`, hint: "Try again in a moment." },
    response.status,
  );
}
