// The models picked for a comparison; two are a pair.

import { signal } from "@preact/signals";

export const toCompare = signal<string[]>([]);

export function toggleCompare(id: string): void {
  const picked = toCompare.value;
  toCompare.value = picked.includes(id) ? picked.filter((one) => one !== id) : [...picked, id].slice(-2);
}
