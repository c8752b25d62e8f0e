// What went wrong or is missing, in words, and the next step.

import type { ComponentChildren } from "preact";
import type { Trouble } from "../server/client";
import { hintFor } from "../words/hints";
import { Icon } from "./icons";

export function Notice({ trouble, children }: { trouble: Trouble | string; children?: ComponentChildren }) {
  const told = typeof trouble === "string" ? { message: trouble, hint: "" } : { message: trouble.message, hint: hintFor(trouble.code, trouble.hint) };
  return (
    <div class="notice" role="alert">
      <Icon name="bad" />
      <div>
        <p class="notice-title">{told.message}</p>
        {told.hint && <p class="quiet">{told.hint}</p>}
        {children && <div class="row actions">{children}</div>}
      </div>
    </div>
  );
}

export function Empty({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name="cube" />
      <h2>{title}</h2>
      <p class="quiet">{text}</p>
      {children}
    </div>
  );
}

export function Loading({ text }: { text: string }) {
  return (
    <p class="loading quiet" role="status">
      <span class="spinner" aria-hidden="true" />
      {text}
    </p>
  );
}
