// Pictures of the server as addresses that an <img> can show. An <img> sends no token, so they are fetched and kept.

import { fetchBlob } from "../server/calls";

const MOST = 160;
const kept = new Map<string, Promise<string>>();

/** An object URL of what lies at a path of the server; fetched once. */
export function pictureUrl(path: string): Promise<string> {
  let found = kept.get(path);
  if (!found) {
    found = fetchBlob(path).then((blob) => URL.createObjectURL(blob));
    found.catch(() => kept.delete(path));
    kept.set(path, found);
    forgetOldest();
  }
  return found;
}

function forgetOldest(): void {
  if (kept.size <= MOST) return;
  const [oldest] = kept.keys();
  const url = kept.get(oldest!);
  kept.delete(oldest!);
  void url?.then((text) => URL.revokeObjectURL(text)).catch(() => {});
}
