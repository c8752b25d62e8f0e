// All jobs that the server knows, newest first. The server remembers; this page only shows, so a reload loses nothing.

import { signal } from "@preact/signals";
import { deleteJob, getJob, listJobs } from "../server/calls";
import { asTrouble, type Trouble } from "../server/client";
import { follow } from "../server/events";
import { isOver, type Job, type Progress } from "../server/types";
import { announce } from "./announce";
import { stageName } from "../words/stages";

export const jobs = signal<Job[] | null>(null);
export const jobsTrouble = signal<Trouble | null>(null);
export const moreJobs = signal<string | null>(null);

const REST_MS = 400;

export async function loadJobs(): Promise<void> {
  try {
    const page = await listJobs();
    jobs.value = page.jobs;
    moreJobs.value = page.next;
    jobsTrouble.value = null;
  } catch (thrown) {
    jobsTrouble.value = asTrouble(thrown);
  }
}

export async function loadMoreJobs(): Promise<void> {
  if (!moreJobs.value) return;
  try {
    const page = await listJobs(moreJobs.value);
    jobs.value = [...(jobs.value ?? []), ...page.jobs];
    moreJobs.value = page.next;
  } catch (thrown) {
    jobsTrouble.value = asTrouble(thrown);
  }
}

export function putJob(job: Job): void {
  const known = jobs.value;
  if (!known) return;
  const place = known.findIndex((one) => one.id === job.id);
  jobs.value = place < 0 ? [job, ...known] : known.with(place, job);
}

export async function removeJob(id: string): Promise<void> {
  await deleteJob(id);
  jobs.value = jobs.value?.filter((job) => job.id !== id) ?? null;
  announce("Deleted.");
}

export const titleOf = (job: Job): string =>
  job.labels?.title || job.order?.labels?.title || job.assets?.[0]?.name || "Untitled";

/** Show a job and whatever happens to it: `show` hears each change, `onBreak` of a lost connection. */
export async function watchJob(
  id: string,
  until: AbortSignal,
  show: (job: Job) => void,
  onBreak: (trouble: Trouble | null) => void,
): Promise<void> {
  let job = await getJob(id);
  show(job);
  while (!isOver(job.state) && !until.aborted) {
    await follow(id, until, (event) => show((job = changed(job, event.name, event.data))), onBreak);
    if (until.aborted) return;
    // The stream tells the state but not the files; and it may have ended early.
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    job = await getJob(id);
    show(job);
  }
  if (!until.aborted) putJob(job);
}

function changed(job: Job, name: string, data: Record<string, unknown>): Job {
  if (name === "progress") {
    const progress = { ...job.progress, ...data } as Progress;
    if (progress.stage !== job.progress?.stage) announce(stageName(progress.stage));
    return { ...job, state: "running", progress };
  }
  if (name === "state" && typeof data.state === "string" && !isOver(data.state as Job["state"])) {
    return { ...job, state: data.state as Job["state"] };
  }
  if (name === "warning") return { ...job, warnings: [...job.warnings, String(data.message ?? "")] };
  return job;
}
