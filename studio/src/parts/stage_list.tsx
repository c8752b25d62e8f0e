// How far a model is: the stages, a bar, and the time left, counted down between the server's words.

import { useEffect, useState } from "preact/hooks";
import type { Job } from "../server/types";
import { percent, timeLeft } from "../words/measure";
import { shownStage, stageName, stagesFor } from "../words/stages";
import { Icon } from "./icons";

export function StageList({ job }: { job: Job }) {
  const together = job.order.source === "photos" || job.order.pictures.length > 1;
  const stages = stagesFor(together);
  const current = stages.findIndex((stage) => stage.id === shownStage(job.progress?.stage));
  const left = useCountdown(job.progress?.seconds_left ?? null);
  const share = job.progress?.fraction ?? 0;
  const waiting = job.state === "queued";
  return (
    <div class="stack">
      <div class="bar-head">
        <strong>{waiting ? "Waiting for its turn" : stageName(job.progress?.stage)}</strong>
        <span class="quiet">{waiting ? "It starts by itself" : left === null ? percent(share) : timeLeft(left)}</span>
      </div>
      <div class="bar" role="progressbar" aria-label="Progress" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
        <span style={{ width: `${Math.max(2, share * 100)}%` }} />
      </div>
      <ol class="stages">
        {stages.map((stage, index) => {
          const state = index < current ? "done" : index === current && !waiting ? "now" : "later";
          return (
            <li key={stage.id} class={state} aria-current={state === "now" ? "step" : undefined}>
              <span class="dot">{state === "done" && <Icon name="check" />}</span>
              <span>
                <span class="stage-name">{stage.name}</span>
                <span class="quiet">{stage.about}</span>
              </span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function useCountdown(told: number | null): number | null {
  const [left, setLeft] = useState(told);
  useEffect(() => {
    setLeft(told);
    if (told === null) return;
    const timer = setInterval(() => setLeft((before) => (before === null ? null : Math.max(0, before - 1))), 1000);
    return () => clearInterval(timer);
  }, [told]);
  return left;
}
