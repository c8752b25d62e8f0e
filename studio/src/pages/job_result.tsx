// A finished model: turned, judged, taken home, shown on a phone, compared, made again.

import { useState } from "preact/hooks";
import { DeleteButton } from "../parts/delete_button";
import { Downloads } from "../parts/downloads";
import { Icon } from "../parts/icons";
import { ModeBar } from "../parts/mode_bar";
import { ModelView } from "../parts/model_view";
import { Empty } from "../parts/notice";
import { PhoneButton } from "../parts/phone";
import { ReportCard } from "../parts/report_card";
import { ServerPicture } from "../parts/server_picture";
import { contentPath } from "../server/calls";
import { fileId, type Asset, type Job } from "../server/types";
import { toCompare } from "../state/compare";
import { draftFrom } from "../state/draft";
import { titleOf } from "../state/history";
import { go, linkTo } from "../state/routes";
import type { Mode } from "../viewer/mode_names";
import { ago, duration } from "../words/measure";
import { targetName } from "../words/targets";

export const glbOf = (asset: Asset | undefined) => asset?.files.find((file) => file.role === "model" && file.format === "glb");

export function JobResult({ job }: { job: Job }) {
  const [mode, setMode] = useState<Mode>("photo");
  const [which, setWhich] = useState(0);
  const asset = job.assets[which] ?? job.assets[0];
  const title = titleOf(job);
  const glb = glbOf(asset);
  const photo = fileId(job.order.pictures[0]);
  return (
    <div class="result">
      <div class="result-head">
        <div>
          <h1>{title}</h1>
          <p class="quiet">{madeLine(job)}</p>
        </div>
        <div class="row">
          {asset && <PhoneButton asset={asset} title={title} />}
          <button type="button" onClick={() => ((toCompare.value = [job.id]), go(linkTo.gallery))}>
            <Icon name="compare" />
            Compare
          </button>
          {photo && (
            <button type="button" onClick={() => draftFrom(job).then(() => go(linkTo.start))}>
              <Icon name="again" />
              Make again
            </button>
          )}
          <DeleteButton id={job.id} title={title} onDone={() => go(linkTo.gallery)} />
        </div>
      </div>
      <div class="result-view">
        {job.assets.length > 1 && (
          <div class="switch scroll" role="group" aria-label="Which object">
            {job.assets.map((one, index) => (
              <button type="button" key={one.name} aria-pressed={index === which} onClick={() => setWhich(index)}>{one.name}</button>
            ))}
          </div>
        )}
        {glb ? (
          <div class="view-frame">
            <ModelView key={glb.url} path={glb.url} title={title} mode={mode} />
            {photo && <span class="inset"><ServerPicture path={contentPath(photo)} alt="The photo it was made from" /></span>}
          </div>
        ) : (
          <Empty title="No GLB was ordered" text="This page shows GLB files. Take the model in its own format, or make it again." />
        )}
        {glb && <ModeBar mode={mode} onChange={setMode} />}
      </div>
      <div class="result-side">
        {asset?.report && <ReportCard report={asset.report} warnings={job.warnings} />}
        {asset && <Downloads asset={asset} title={title} />}
      </div>
    </div>
  );
}

function madeLine(job: Job): string {
  const took = duration(job.started_at, job.finished_at);
  const parts = [
    `Made ${ago(job.finished_at ?? job.created_at)}`,
    took && `in ${took}`,
    job.order.target && `for ${targetName(job.order.target)}`,
    job.order.pictures.length > 1 && `from ${job.order.pictures.length} photos`,
  ];
  return parts.filter(Boolean).join(" ");
}
