// The token of this browser: kept in its local storage, sent in a header, never written into an address.

import { signal } from "@preact/signals";

const KEY = "unflat.token";

export const token = signal(read());
/** True while the server refuses us: the page then asks for a token. */
export const tokenWanted = signal(false);

function read(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export function keepToken(text: string): void {
  token.value = text.trim();
  tokenWanted.value = false;
  try {
    if (token.value) localStorage.setItem(KEY, token.value);
    else localStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing asks again after a reload.
  }
}
