// A model while it is made: its photo, the stages, the time left, and the way to stop.

import { useState } from "preact/hooks";
import { Icon } from "../parts/icons";
import { Notice } from "../parts/notice";
import { ServerPicture } from "../parts/server_picture";
import { StageList } from "../parts/stage_list";
import { cancelJob, contentPath } from "../server/calls";
import { asTrouble, type Trouble } from "../server/client";
import { fileId, type Job } from "../server/types";
import { titleOf } from "../state/history";
import { linkTo } from "../state/routes";

export function JobProgress({ job, broken }: { job: Job; broken: Trouble | null }) {
  const [stopping, setStopping] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const stop = async () => {
    setStopping(true);
    try {
      await cancelJob(job.id);
    } catch (thrown) {
      setTrouble(asTrouble(thrown));
      setStopping(false);
    }
  };
  const photo = fileId(job.order.pictures[0]);
  return (
    <div class="making">
      <div class="making-picture">
        <ServerPicture path={photo && contentPath(photo)} alt={`The photo of ${titleOf(job)}`} />
      </div>
      <div class="stack">
        <h1>{titleOf(job)}</h1>
        <StageList job={job} />
        {broken && <p class="broken" role="status"><Icon name="again" /> The connection was lost; trying again. Your model goes on being made.</p>}
        {job.warnings.map((text) => <p key={text} class="quiet">{text}</p>)}
        {trouble && <Notice trouble={trouble} />}
        <div class="row">
          <button type="button" onClick={stop} disabled={stopping}>{stopping ? "Stopping…" : "Stop"}</button>
          <a class="button plain" href={linkTo.start}>Bring another photo</a>
        </div>
        <p class="quiet">You may close this page. The model will be under “Models”.</p>
      </div>
    </div>
  );
}
