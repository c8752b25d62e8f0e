// What a screen reader is told: one polite line that changes when something has happened.

import { signal } from "@preact/signals";

export const announcement = signal("");

export function announce(text: string): void {
  // The same words twice would not be read again: an invisible mark makes them new.
  announcement.value = text === announcement.value ? `${text}\u200b` : text;
}
