// All models, newest first: open, compare, make again, delete.

import { useEffect, useState } from "preact/hooks";
import { DeleteButton } from "../parts/delete_button";
import { Icon } from "../parts/icons";
import { ModelCard } from "../parts/model_card";
import { Empty, Loading, Notice } from "../parts/notice";
import { isOver, type Job } from "../server/types";
import { toCompare, toggleCompare } from "../state/compare";
import { draftFrom } from "../state/draft";
import { jobs, jobsTrouble, loadJobs, loadMoreJobs, moreJobs, titleOf } from "../state/history";
import { go, linkTo } from "../state/routes";

const LOOK_AGAIN_MS = 3000;

export function GalleryPage() {
  const [sought, setSought] = useState("");
  useEffect(() => void loadJobs(), []);
  const going = jobs.value?.some((job) => !isOver(job.state));
  useEffect(() => {
    if (!going) return;
    const timer = setInterval(() => document.hidden || void loadJobs(), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [going]);
  const all = jobs.value;
  const shown = all?.filter((job) => titleOf(job).toLowerCase().includes(sought.trim().toLowerCase()));
  return (
    <div class="stack wide">
      <div class="section-head">
        <h1>Models</h1>
        {all && all.length > 6 && (
          <input type="search" class="search" aria-label="Find a model by its name" placeholder="Find…" value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
        )}
      </div>
      {toCompare.value.length === 1 && <p class="hint-bar" role="status">One picked. Pick another to compare them side by side.</p>}
      {jobsTrouble.value && (
        <Notice trouble={jobsTrouble.value}>
          <button type="button" onClick={loadJobs}>Try again</button>
        </Notice>
      )}
      {!all && !jobsTrouble.value && <Loading text="Fetching your models…" />}
      {all?.length === 0 && (
        <Empty title="No models yet" text="The first one takes a photo and about a minute.">
          <a class="button main" href={linkTo.start}>Bring a photo</a>
        </Empty>
      )}
      {all && all.length > 0 && shown?.length === 0 && <Empty title="Nothing found" text={`No model is called “${sought}”.`} />}
      <ul class="gallery">{shown?.map((job) => <GalleryCard key={job.id} job={job} />)}</ul>
      {moreJobs.value && !sought && <button type="button" onClick={loadMoreJobs}>Show older ones</button>}
      {toCompare.value.length === 2 && <CompareBar />}
    </div>
  );
}

function GalleryCard({ job }: { job: Job }) {
  const title = titleOf(job);
  return (
    <ModelCard job={job}>
      {job.state === "succeeded" && (
        <label class="tick small">
          <input type="checkbox" checked={toCompare.value.includes(job.id)} onChange={() => toggleCompare(job.id)} aria-label={`Compare ${title}`} />
          Compare
        </label>
      )}
      <span class="push" />
      {job.kind === "make" && (
        <button type="button" class="plain square" aria-label={`Make ${title} again`} onClick={() => draftFrom(job).then(() => go(linkTo.start))}>
          <Icon name="again" />
        </button>
      )}
      <DeleteButton id={job.id} title={title} small />
    </ModelCard>
  );
}

function CompareBar() {
  const [first, second] = toCompare.value as [string, string];
  return (
    <div class="compare-bar" role="region" aria-label="Comparison">
      <span>Two picked</span>
      <button type="button" class="plain" onClick={() => (toCompare.value = [])}>Clear</button>
      <a class="button main" href={linkTo.compare(first, second)}>Compare side by side</a>
    </div>
  );
}
