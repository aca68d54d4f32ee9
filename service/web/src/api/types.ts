/** What the service says, as its OpenAPI description has it. Indices are `[column, row, slice]`. */

export type JobState = "queued" | "running" | "done" | "failed" | "cancelled" | "expired";

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
}

/** What the list needs of a result. */
export interface Summary {
  score: number;
  percentile: number;
  p_value: number;
  pred_label: boolean | null;
  in_scope: boolean;
  findings: number;
  warnings: number;
  slices: number;
}

export interface Job {
  job_id: string;
  state: JobState;
  /** 0 to 1. */
  progress: number;
  seconds_left: number | null;
  created_at: string;
  finished_at: string | null;
  model: string;
  priority: "high" | "normal" | "low";
  error: Problem | null;
  summary: Summary | null;
  links: Record<string, string>;
}

export interface Decision {
  operating_point: string;
  false_alarm_rate: number;
  threshold: number | null;
  flagged: boolean | null;
}

export type Triple = [number, number, number];

export interface Finding {
  box_voxels: [Triple, Triple];
  box_mm: [Triple, Triple] | null;
  centroid_voxels: Triple;
  /** LPS. */
  centroid_mm: Triple | null;
  size_voxels: number;
  /** Cubic millimetres of a volume, square millimetres of a picture. */
  size_mm: number | null;
  peak: number;
  mean: number;
}

export interface SliceScore {
  index: number;
  score: number;
  sop_instance_uid: string | null;
}

/** How the source lays its voxels out: its n-th axis is our axis `axes[n]` (0 column, 1 row, 2 slice). */
export interface Grid {
  /** Of the source's own axes. */
  shape: Triple;
  axes: Triple;
  /** Whether the n-th axis runs the other way. */
  flips: [boolean, boolean, boolean];
}

export interface Result {
  job_id: string;
  grid: Grid;
  model: string;
  bundle_digest: string;
  variant: string;
  score: number;
  /** 0 to 100, among held-out normals. */
  percentile: number;
  p_value: number;
  decisions: Decision[];
  pred_label: boolean | null;
  slices: SliceScore[];
  findings: Finding[];
  warnings: string[];
  timings_ms: Record<string, number>;
  links: Record<string, string>;
  intended_use: string;
}

export interface OperatingPoint {
  name: string;
  false_alarm_rate: number;
  threshold: number | null;
}

export interface Metric {
  value: number;
  low: number | null;
  high: number | null;
}

/** A test image with its heatmap, chosen by a rule. */
export interface Example {
  file: string;
  gt_label: 0 | 1;
  score: number;
  percentile: number;
  caption: string;
}

export interface Model {
  model: string;
  name: string;
  version: string;
  bundle_digest: string;
  method: string;
  task: string;
  description: string;
  authors: string;
  licence: string;
  contrasts: string[];
  scope: { modalities: string[]; body_parts: string[]; spacing_mm: { low: number; high: number } | null };
  operating_points: OperatingPoint[];
  default_operating_point: string;
  calibration_patients: number;
  map_threshold: number;
  eval_metrics: Record<string, Metric>;
  examples: Example[];
  training_data: {
    data_source: string;
    licence: string;
    attribution: string;
    images: number;
    patients: number;
    labelled_anomalous: number;
  };
  intended_use: string;
  links: Record<string, string>;
}

export interface Calibration {
  /** Ascending. */
  scores: number[];
  map_threshold: number;
  operating_points: OperatingPoint[];
  default_operating_point: string;
}

export interface WorkerStatus {
  worker_id: string;
  host: string;
  pid: number;
  device: string;
  models: Record<string, string>;
  jobs: string[];
  slots: number;
}

export interface ServiceStatus {
  workers: WorkerStatus[];
  queue_depth: number;
  queue_depths: Record<string, number>;
  running: number;
  queued_bytes: number;
  dead_letters: number;
  ended_last_minute: Record<string, number>;
  ended_ever: Record<string, number>;
  failures: Record<string, number>;
  stage_ms: Record<string, number>;
  slices: number;
  batches: number;
  free_bytes: number;
  seconds_queued: number | null;
  problems: string[];
  ready: boolean;
  version: string;
}

export const FINAL: ReadonlySet<JobState> = new Set(["done", "failed", "cancelled", "expired"]);
