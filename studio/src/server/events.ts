// A job's events. EventSource can't send a token, so the stream is read by fetch, and taken up again where it broke.

import { ask, asTrouble, type Trouble } from "./client";

export interface JobEvent {
  name: string;
  data: Record<string, unknown>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/** Hear a job's events until its final state or an abort. `onBreak` hears of a lost connection, and null when it is back. */
export async function follow(
  id: string,
  signal: AbortSignal,
  onEvent: (event: JobEvent) => void,
  onBreak: (trouble: Trouble | null) => void,
): Promise<void> {
  let last = "";
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      const response = await ask(`/v1/jobs/${encodeURIComponent(id)}/events`, {
        headers: { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) },
        signal,
      });
      onBreak(null);
      pause = FIRST_PAUSE_MS;
      for await (const message of messages(response)) {
        if (message.id) last = message.id;
        onEvent({ name: message.event, data: message.data });
      }
      return;
    } catch (thrown) {
      if (signal.aborted) return;
      const trouble = asTrouble(thrown);
      onBreak(trouble);
      if (trouble.status >= 400 && trouble.status < 500) return;
      await wait(pause, signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}

interface Message {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

async function* messages(response: Response): AsyncGenerator<Message> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text = (text + value).replaceAll("\r\n", "\n");
    let end: number;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const message = parsed(text.slice(0, end));
      text = text.slice(end + 2);
      if (message) yield message;
    }
  }
}

function parsed(block: string): Message | null {
  const fields: Record<string, string> = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon)] = (fields[line.slice(0, colon)] ?? "") + line.slice(colon + 1).trimStart();
  }
  if (!fields.data) return null;
  try {
    return { id: fields.id ?? "", event: fields.event ?? "message", data: JSON.parse(fields.data) };
  } catch {
    return null;
  }
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
