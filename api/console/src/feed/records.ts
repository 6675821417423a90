// The records of ARCHITECTURE.md, as the API sends them.

export type HitKind = "exact" | "probable";
export type MediaState = "pending" | "ready" | "lost";

export interface Camera {
  camera_id: string;
  name: string;
  place: string;
}

export interface Entry {
  entry_id: string;
  plate: string;
  category: string;
  note: string;
  hotlist: string;
  legal_basis: string | null;
  valid_until: string | null;
  instructions?: string;
  risk?: string;
}

export type PictureKind = "plate" | "vehicle";

export interface Picture {
  state: MediaState;
  kinds: PictureKind[];
}

export interface Clip {
  state: MediaState;
  duration_s: number | null;
  codec: string | null;
  mime: string | null;
  reason: string | null;
}

export interface Sighting {
  camera_id: string;
  name: string;
  pass_id: string;
  seen_at: string;
  score: number;
}

export interface Alert {
  alert_id: string;
  camera: Camera;
  pass_id: string;
  text: string;
  characters: number[];
  score: number;
  kind: HitKind;
  entry: Entry;
  country: string | null;
  format: string | null;
  lines: number;
  vehicle_type: string | null;
  seen_at: string | null;
  raised_at: string;
  updated_at: string | null;
  sightings: number;
  /** Seen before the entry went live, found in the reads still kept. */
  before_entry?: boolean;
  picture: Picture;
  clip: Clip;
  /** The latest sightings, newest first. */
  sighted: Sighting[];
}

/** One thing wrong with a camera: what it takes of the score's 100, what was measured, what is required. */
export interface HealthReason {
  code: string;
  points: number;
  measured: number | string | null;
  required: number | string | null;
  unit: string;
  since: string;
}

export interface CameraStatus extends Camera {
  latitude: number | null;
  longitude: number | null;
  state: string;
  reason: string | null;
  since: string | null;
  /** 0-100; null until the camera was watched for a while. */
  score: number | null;
  reasons: HealthReason[];
}

export interface AlertPage {
  alerts: Alert[];
  /** Where the next, older page starts; null at the end. */
  next: string | null;
  /** Cursor of the event log at which this page was true. */
  cursor: number;
}

export interface CameraList {
  cameras: CameraStatus[];
}

export interface LogEvent<Data> {
  cursor: number | null;
  kind: string;
  at: string;
  data: Data;
}

export interface StreamState {
  live: boolean;
  since: string;
  reason: string | null;
}

export interface CameraChange {
  camera_id: string;
  state: string;
  reason: string | null;
  since: string | null;
}

export interface HealthChange {
  camera_id: string;
  score: number;
  reasons: HealthReason[];
}
