// Every call of the studio, by name.

import { ask, askJson, headers, sendJson, Trouble } from "./client";
import type { Box, Click, Job, MaskAnswer, Order, StoredFile, Told } from "./types";

const PAGE = 60;

/** Send a file; `onShare` hears how much of it is out. XMLHttpRequest, because fetch can't tell that. */
export function upload(file: Blob, name: string, onShare: (share: number) => void = () => {}): Promise<StoredFile> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file, name);
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/files");
    for (const [key, value] of Object.entries(headers())) request.setRequestHeader(key, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onShare(event.loaded / event.total));
    request.addEventListener("error", () => reject(new Trouble(LOST, 0)));
    request.addEventListener("load", () => {
      if (request.status === 201 || request.status === 200) resolve(request.response as StoredFile);
      else reject(new Trouble((request.response as { error?: Told } | null)?.error ?? refused(request.status), request.status));
    });
    request.send(form);
  });
}

const LOST: Told = { code: "no-server", message: "The photo did not reach the server.", hint: "Look at the connection and try again." };
const refused = (status: number): Told => ({
  code: `http-${status}`,
  message: status === 413 ? "This file is too large for the server." : `The server refused the file (${status}).`,
  hint: "Try a smaller photo, as JPEG, PNG or HEIC.",
});

export async function listJobs(after?: string): Promise<{ jobs: Job[]; next: string | null }> {
  const query = new URLSearchParams({ limit: String(PAGE), ...(after ? { after } : {}) });
  const answer = await askJson<{ jobs: Job[]; after: string | null }>(`/v1/jobs?${query}`);
  return { jobs: answer.jobs, next: answer.after };
}

const at = (id: string) => `/v1/jobs/${encodeURIComponent(id)}`;

export const getJob = (id: string) => askJson<Job>(at(id));
export const placeOrder = (order: Order, key: string) => sendJson<Job>("/v1/jobs", order, { "Idempotency-Key": key });
export const cancelJob = (id: string) => sendJson<Job>(`${at(id)}/cancel`, {});
export const retryJob = (id: string) => sendJson<Job>(`${at(id)}/retry`, {});
export const deleteJob = (id: string) => ask(at(id), { method: "DELETE" });
export const fileInfo = (id: string) => askJson<StoredFile>(`/v1/files/${encodeURIComponent(id)}`);
export const contentPath = (id: string) => `/v1/files/${encodeURIComponent(id)}/content`;
export const fetchBlob = async (path: string) => (await ask(path)).blob();

export function findMask(picture: string, box: Box | null, clicks: Click[], signal: AbortSignal): Promise<MaskAnswer> {
  return askJson<MaskAnswer>("/v1/masks", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ picture: { file: picture }, box, clicks: clicks.length ? clicks : null }),
    signal,
  });
}
