// The quality report in plain words.

import type { Report } from "../server/types";
import { facts, lines, verdict, type Line } from "../words/report";
import { Icon, type IconName } from "./icons";

const ICONS: Record<Line["mark"], IconName> = { good: "check", look: "look", bad: "bad" };
const SAID: Record<Line["mark"], string> = { good: "Good: ", look: "Worth a look: ", bad: "In the way: " };

export function ReportCard({ report, warnings }: { report: Report; warnings: string[] }) {
  const said = verdict(report);
  return (
    <section class="card" aria-labelledby="report-title">
      <div class={`verdict ${said.mark}`}>
        <Icon name={ICONS[said.mark]} />
        <div>
          <h2 id="report-title">{said.title}</h2>
          <p class="quiet">{said.text}</p>
        </div>
      </div>
      <ul class="findings">
        {lines(report).map((line) => (
          <li key={line.text} class={line.mark}>
            <Icon name={ICONS[line.mark]} />
            <span>
              <span class="away">{SAID[line.mark]}</span>
              {line.text}
              {line.hint && <span class="quiet"> {line.hint}</span>}
            </span>
          </li>
        ))}
        {warnings.map((text) => (
          <li key={text} class="look">
            <Icon name="look" />
            <span>{text}</span>
          </li>
        ))}
      </ul>
      <details>
        <summary>All figures</summary>
        <dl class="facts">
          {facts(report).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}
