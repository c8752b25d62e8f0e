// What `/v1` speaks, as far as the studio reads it.

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface StoredFile {
  id: string;
  name: string;
  bytes: number;
  media_type: string;
  width_px: number | null;
  height_px: number | null;
}

export interface Told {
  code: string;
  message: string;
  hint: string;
  field?: string;
}

export interface Progress {
  stage: string | null;
  fraction: number;
  seconds_left: number | null;
  message: string | null;
}

export interface OutputFile {
  name: string;
  role: "model" | "preview" | "sheet" | "turntable" | "report" | "mask";
  format: string;
  bytes: number;
  media_type: string;
  url: string;
  /** As `url`, for a day without a token. */
  signed_url: string;
}

export interface Finding {
  code: string;
  severity: "error" | "warning" | "note";
  message: string;
  hint: string;
}

export interface Report {
  faces: number;
  vertices: number;
  parts: number;
  watertight: boolean;
  manifold: boolean;
  self_intersections: number;
  genus: number | null;
  volume_m3: number | null;
  area_m2: number | null;
  size_m: [number, number, number];
  scale: string;
  uv_overlap: number | null;
  texels_per_m: number | null;
  thinnest_m: number | null;
  seen_share: number | null;
  target: string;
  findings: Finding[];
  passed: boolean;
}

export interface Asset {
  name: string;
  report: Report | null;
  files: OutputFile[];
}

export interface FileRef {
  file?: string | null;
}
export type Click = [x: number, y: number, label: 0 | 1];
export type Box = [left: number, top: number, right: number, bottom: number];
export type Quality = "draft" | "standard" | "high";

export interface Order {
  kind: "make" | "rework" | "check";
  pictures: FileRef[];
  source?: string | null;
  sides?: string[];
  target?: string;
  quality?: Quality;
  height?: string | null;
  seed?: number;
  all_objects?: boolean;
  object_masks?: boolean;
  mask?: FileRef | null;
  box?: Box | null;
  clicks?: Click[] | null;
  formats?: string[] | null;
  preview?: boolean;
  settings?: Record<string, unknown>;
  labels?: Record<string, string>;
}

export interface Job {
  id: string;
  kind: string;
  state: JobState;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  progress: Progress | null;
  order: Order;
  warnings: string[];
  error: Told | null;
  assets: Asset[];
  labels: Record<string, string>;
}

export interface MaskAnswer {
  /** Id of the mask as a PNG. */
  file: string;
  box: Box;
  confidence: number | null;
}

export const isOver = (state: JobState): boolean => state === "succeeded" || state === "failed" || state === "cancelled";
export const fileId = (ref: FileRef | null | undefined): string | null => ref?.file ?? null;
