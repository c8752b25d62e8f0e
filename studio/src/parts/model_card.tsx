// One model in the gallery: its picture, its name, its state.

import type { ComponentChildren } from "preact";
import { contentPath } from "../server/calls";
import { fileId, type Job } from "../server/types";
import { titleOf } from "../state/history";
import { linkTo } from "../state/routes";
import { ago, timeLeft } from "../words/measure";
import { targetName } from "../words/targets";
import { ServerPicture } from "./server_picture";

export function ModelCard({ job, children }: { job: Job; children?: ComponentChildren }) {
  const title = titleOf(job);
  return (
    <li class={`model-card ${job.state}`}>
      <a class="cover" href={linkTo.job(job.id)}>
        <ServerPicture path={coverOf(job)} alt="" />
        <span class="model-title">{title}</span>
        <span class="quiet">{stateLine(job)}</span>
      </a>
      {job.state === "running" && (
        <div class="bar thin" role="progressbar" aria-label={`${title}: progress`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round((job.progress?.fraction ?? 0) * 100)}>
          <span style={{ width: `${Math.max(2, (job.progress?.fraction ?? 0) * 100)}%` }} />
        </div>
      )}
      {children && <div class="row card-tools">{children}</div>}
    </li>
  );
}

/** The model's picture, or its photo while there is none. */
export function coverOf(job: Job): string | null {
  const preview = job.assets.flatMap((asset) => asset.files).find((file) => file.role === "preview");
  if (preview) return preview.url;
  const photo = fileId(job.order.pictures[0]);
  return photo ? contentPath(photo) : null;
}

function stateLine(job: Job): string {
  const left = job.progress?.seconds_left;
  switch (job.state) {
    case "queued":
      return "Waiting";
    case "running":
      return left ? `Being made, ${timeLeft(left)}` : "Being made";
    case "failed":
      return "Did not work";
    case "cancelled":
      return "Stopped";
    case "succeeded":
      return [ago(job.finished_at ?? job.created_at), job.order.target && `for ${targetName(job.order.target)}`].filter(Boolean).join(", ");
  }
}
