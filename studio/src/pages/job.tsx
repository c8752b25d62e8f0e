// One model: while it is made, when it is done, or when it did not work.

import { useEffect, useState } from "preact/hooks";
import { Loading, Notice } from "../parts/notice";
import { asTrouble, type Trouble } from "../server/client";
import type { Job } from "../server/types";
import { announce } from "../state/announce";
import { watchJob } from "../state/history";
import { linkTo } from "../state/routes";
import { JobFailed } from "./job_failed";
import { JobProgress } from "./job_progress";
import { JobResult } from "./job_result";

export function JobPage({ id }: { id: string }) {
  const [job, setJob] = useState<Job | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [broken, setBroken] = useState<Trouble | null>(null);
  const [tries, setTries] = useState(0);
  const again = () => setTries(tries + 1);
  useEffect(() => {
    const going = new AbortController();
    let before: Job | null = null;
    setTrouble(null);
    watchJob(id, going.signal, (shown) => (tell(before, shown), setJob((before = shown))), setBroken).catch(
      (thrown) => going.signal.aborted || setTrouble(asTrouble(thrown)),
    );
    return () => going.abort();
  }, [id, tries]);

  if (trouble) {
    return (
      <Notice trouble={trouble}>
        <button type="button" onClick={again}>Try again</button>
        <a class="button" href={linkTo.gallery}>All models</a>
      </Notice>
    );
  }
  if (!job || job.id !== id) return <Loading text="Fetching the model…" />;
  if (job.state === "succeeded") return <JobResult job={job} />;
  if (job.state === "failed" || job.state === "cancelled") return <JobFailed job={job} onRetried={again} />;
  return <JobProgress job={job} broken={broken} />;
}

function tell(before: Job | null, now: Job): void {
  if (!before || before.state === now.state) return;
  if (now.state === "succeeded") announce("The model is done.");
  if (now.state === "failed") announce(`It did not work. ${now.error?.message ?? ""}`);
}
