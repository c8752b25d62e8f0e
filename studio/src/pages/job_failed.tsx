// A model that did not come to be: why, and what to do now.

import { useState } from "preact/hooks";
import { DeleteButton } from "../parts/delete_button";
import { Icon } from "../parts/icons";
import { Notice } from "../parts/notice";
import { ServerPicture } from "../parts/server_picture";
import { contentPath, retryJob } from "../server/calls";
import { asTrouble, type Trouble } from "../server/client";
import { fileId, type Job } from "../server/types";
import { draftFrom } from "../state/draft";
import { titleOf } from "../state/history";
import { go, linkTo } from "../state/routes";
import { hintFor } from "../words/hints";

export function JobFailed({ job, onRetried }: { job: Job; onRetried: () => void }) {
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const stopped = job.state === "cancelled";
  const retry = async () => {
    try {
      await retryJob(job.id);
      onRetried();
    } catch (thrown) {
      setTrouble(asTrouble(thrown));
    }
  };
  const photo = fileId(job.order.pictures[0]);
  return (
    <div class="making">
      <div class="making-picture faded">
        <ServerPicture path={photo && contentPath(photo)} alt={`The photo of ${titleOf(job)}`} />
      </div>
      <div class="stack">
        <h1>{titleOf(job)}</h1>
        <div class={`card verdict ${stopped ? "look" : "bad"}`}>
          <Icon name={stopped ? "look" : "bad"} />
          <div>
            <h2>{stopped ? "Stopped" : "This did not work"}</h2>
            <p>{stopped ? "You stopped it before it was done." : (job.error?.message ?? "The server gave no reason.")}</p>
            {!stopped && job.error && <p class="quiet">{hintFor(job.error.code, job.error.hint)}</p>}
          </div>
        </div>
        {trouble && <Notice trouble={trouble} />}
        <div class="row">
          <button type="button" class="main" onClick={() => draftFrom(job).then(() => go(linkTo.start))}>Change it and try again</button>
          <button type="button" onClick={retry}>
            <Icon name="again" />
            Same again
          </button>
          <DeleteButton id={job.id} title={titleOf(job)} onDone={() => go(linkTo.gallery)} />
        </div>
        {job.error && <p class="quiet code-line">Code: <code>{job.error.code}</code></p>}
      </div>
    </div>
  );
}
