// What `/search` is asked and answers (docs/search.md).

import type { Camera } from "../feed/records";

export interface Purpose {
  actor: string;
  case: string;
  reason: string;
}

/** Longitude and latitude, degrees. */
export type Position = [number, number];

export interface Place {
  cameras: string[];
  area: { type: "Polygon"; coordinates: Position[][] } | null;
  road: string;
}

export interface Question {
  plate: string;
  similar: boolean;
  place: Place;
  since: string | null;
  until: string | null;
  vehicle_types: string[];
  colours: string[];
  hits_only: boolean;
  /** Base64, and which of its vehicles is meant. */
  photo?: string;
  vehicle?: number;
}

export interface HitOfPass {
  hit_id: string;
  alert_id: string;
  entry_id: string;
  kind: string;
}

export interface Why {
  plate: number | null;
  appearance: number | null;
  same_colour: boolean | null;
}

export interface Found {
  seen_at: string;
  camera: Camera & { latitude: number | null; longitude: number | null };
  pass_id: string;
  text: string;
  read_score: number;
  country: string | null;
  lines: number;
  vehicle_type: string | null;
  vehicle_colour: string | null;
  hits: HitOfPass[];
  score: number | null;
  why: Why;
}

export type Box = [number, number, number, number];

export interface ShownVehicle {
  box: Box | null;
  plate_box: Box | null;
  text: string | null;
  vehicle_type: string | null;
  vehicle_colour: string | null;
}

export interface LookedAt {
  vehicle: number;
  vehicles: ShownVehicle[];
  without_looks: string | null;
}

export interface FoundPage {
  sightings: Found[];
  next: string | null;
  searched_since: string;
  photo?: LookedAt;
}

export interface Leg {
  distance_m: number;
  elapsed_s: number;
  speed_kmh: number | null;
  is_plausible: boolean;
}

export interface Stop {
  type: "Feature";
  geometry: { type: "Point"; coordinates: Position } | null;
  properties: Found & { stop: number; leg: Leg | null };
}

export interface Way {
  type: "Feature";
  geometry: { type: "LineString"; coordinates: Position[] };
}

export interface Route {
  features: (Way | Stop)[];
  distance_m: number;
  implausible: number;
  is_whole: boolean;
}

export type RouteOf = { plate: string } | { entry_id: string };

export const wayOf = (route: Route): Position[] =>
  route.features.flatMap((one) => (one.geometry?.type === "LineString" ? one.geometry.coordinates : []));

export const stopsOf = (route: Route): Stop[] => route.features.filter((one): one is Stop => "properties" in one && "stop" in one.properties);

export const keyOf = (found: Found): string => `${found.camera.camera_id} ${found.pass_id} ${found.seen_at}`;
