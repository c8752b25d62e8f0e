// The quality report in plain words: a verdict, what is good, what to look at, and the facts.

import type { Report } from "../server/types";
import { count, length, percent } from "./measure";
import { hintFor } from "./hints";
import { targetName } from "./targets";

export interface Line {
  mark: "good" | "look" | "bad";
  text: string;
  hint?: string;
}

export interface Verdict {
  mark: Line["mark"];
  title: string;
  text: string;
}

export const isMetric = (report: Report): boolean => report.scale.toLowerCase() === "metric";

export function verdict(report: Report): Verdict {
  const use = report.target ? targetName(report.target) : "";
  const bad = report.findings.filter((one) => one.severity === "error").length;
  if (bad) {
    return {
      mark: "bad",
      title: use ? `Not ready yet for ${use}` : "Needs another look",
      text: `${bad === 1 ? "One thing stands" : `${bad} things stand`} in the way. What to do is said below.`,
    };
  }
  const doubts = report.findings.some((one) => one.severity === "warning");
  return {
    mark: doubts ? "look" : "good",
    title: use ? `Ready for ${use}` : "A sound model",
    text: doubts ? "It can be used. Some things are worth a look." : "Every check was passed.",
  };
}

export function lines(report: Report): Line[] {
  const found: Line[] = [];
  if (report.seen_share !== null) found.push(seenLine(report.seen_share));
  found.push(
    report.watertight
      ? { mark: "good", text: "Closed all around, like a real thing." }
      : { mark: "look", text: "The surface has openings.", hint: "It looks right on a screen. A 3D printer needs it closed." },
  );
  if (report.self_intersections) {
    found.push({ mark: "look", text: `Some surfaces pass through each other (${count(report.self_intersections)} places).`, hint: "Screens don't mind." });
  }
  const saidSize = report.findings.some((one) => /scale|size/.test(one.code));
  if (isMetric(report) || !saidSize) found.push(sizeLine(report));
  for (const finding of report.findings) {
    if (SAID_ALREADY.has(finding.code)) continue;
    const hint = hintFor(finding.code, finding.hint);
    found.push({ mark: finding.severity === "error" ? "bad" : "look", text: finding.message, hint });
  }
  return found;
}

function sizeLine(report: Report): Line {
  if (isMetric(report)) return { mark: "good", text: `True to size: ${report.size_m.map(length).join(" × ")} (width × height × depth).` };
  return { mark: "look", text: "Its real size is not known.", hint: "Make it again with a height, and AR and print will be true to size." };
}

/** Findings that our own lines say in plainer words. */
const SAID_ALREADY = new Set(["mostly-inferred"]);

function seenLine(seen: number): Line {
  const text = `${percent(seen)} of the surface was seen in the photo, ${percent(1 - seen)} is inferred.`;
  if (seen > 0.7) return { mark: "good", text };
  return { mark: "look", text, hint: "Turn it to “Seen or inferred” to see which side is a guess. More photos from around make it true." };
}

export function facts(report: Report): [string, string][] {
  const rows: [string, string][] = [
    ["Faces", count(report.faces)],
    ["Corners", count(report.vertices)],
    ["Pieces", count(report.parts)],
  ];
  if (isMetric(report) && report.volume_m3 !== null) rows.push(["Volume", `${Number((report.volume_m3 * 1e6).toPrecision(3)).toLocaleString("en")} cm³`]);
  if (isMetric(report) && report.thinnest_m !== null) rows.push(["Thinnest wall", length(report.thinnest_m)]);
  if (report.uv_overlap !== null) rows.push(["Texture shared twice", percent(report.uv_overlap)]);
  return rows;
}
