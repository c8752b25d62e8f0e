// Two models side by side: their cameras move together, their figures stand in one table.

import { useEffect, useMemo, useState } from "preact/hooks";
import { ModeBar } from "../parts/mode_bar";
import { ModelView } from "../parts/model_view";
import { Empty, Loading, Notice } from "../parts/notice";
import { getJob } from "../server/calls";
import { asTrouble, type Trouble } from "../server/client";
import type { Job } from "../server/types";
import { titleOf } from "../state/history";
import { linkTo } from "../state/routes";
import { Link } from "../viewer/link";
import type { Mode } from "../viewer/mode_names";
import { bytes, count, duration, length, percent } from "../words/measure";
import { isMetric } from "../words/report";
import { QUALITIES, targetName } from "../words/targets";
import { glbOf } from "./job_result";

export function ComparePage({ ids }: { ids: [string, string] }) {
  const [pair, setPair] = useState<Job[] | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [mode, setMode] = useState<Mode>("photo");
  const link = useMemo(() => new Link(), [ids.join()]);
  useEffect(() => {
    let wanted = true;
    setPair(null);
    setTrouble(null);
    Promise.all(ids.map(getJob))
      .then((found) => wanted && setPair(found))
      .catch((thrown) => wanted && setTrouble(asTrouble(thrown)));
    return () => void (wanted = false);
  }, [ids.join()]);
  if (trouble) return <Notice trouble={trouble}><a class="button" href={linkTo.gallery}>All models</a></Notice>;
  if (!pair) return <Loading text="Fetching both models…" />;
  return (
    <div class="stack wide">
      <div class="section-head">
        <h1>Side by side</h1>
        <a href={linkTo.gallery}>Pick others</a>
      </div>
      <ModeBar mode={mode} onChange={setMode} />
      <div class="pair">
        {pair.map((job) => {
          const glb = glbOf(job.assets[0]);
          return (
            <section key={job.id} aria-label={titleOf(job)}>
              <div class="view-frame">
                {glb ? <ModelView path={glb.url} title={titleOf(job)} mode={mode} link={link} /> : <Empty title="Nothing to show" text="This one has no GLB." />}
              </div>
            </section>
          );
        })}
      </div>
      <Figures pair={pair} />
    </div>
  );
}

function Figures({ pair }: { pair: Job[] }) {
  const rows = ROWS.map(([name, of]) => ({ name, values: pair.map(of) })).filter(({ values }) => values.some((value) => value !== "–"));
  return (
    <div class="table-frame">
      <table>
        <caption class="away">Figures of both models</caption>
        <thead>
          <tr>
            <th scope="col"><span class="away">Figure</span></th>
            {pair.map((job) => <th scope="col" key={job.id}><a href={linkTo.job(job.id)}>{titleOf(job)}</a></th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, values }) => (
            <tr key={name} class={values[0] === values[1] ? "same" : ""}>
              <th scope="row">{name}</th>
              {values.map((value, index) => <td key={pair[index]!.id}>{value}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const report = (job: Job) => job.assets[0]?.report;
const yes = (value: boolean | undefined) => (value === undefined ? "–" : value ? "yes" : "no");

const ROWS: [string, (job: Job) => string][] = [
  ["For", (job) => (job.order.target ? targetName(job.order.target) : "any use")],
  ["Quality", (job) => QUALITIES.find((one) => one.value === job.order.quality)?.name ?? "–"],
  ["Passed its checks", (job) => yes(report(job)?.passed)],
  ["Seen in the photo", (job) => (report(job)?.seen_share == null ? "–" : percent(report(job)!.seen_share!))],
  ["Closed", (job) => yes(report(job)?.watertight)],
  ["Faces", (job) => (report(job) ? count(report(job)!.faces) : "–")],
  ["Size", (job) => (report(job) && isMetric(report(job)!) ? report(job)!.size_m.map(length).join(" × ") : "–")],
  ["GLB", (job) => (glbOf(job.assets[0]) ? bytes(glbOf(job.assets[0])!.bytes) : "–")],
  ["Took", (job) => duration(job.started_at, job.finished_at) ?? "–"],
];
