import type { Alert, AlertPage, CameraList, PictureKind } from "./records";

/** What the API said when it could not answer (RFC 9457), or that it could not be reached (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "Problem";
  }
}

async function get<Answer>(address: string): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store" });
  } catch {
    throw new Problem(0, "unreachable", "");
  }
  if (!response.ok) {
    const told = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
    throw new Problem(response.status, told.code ?? "error", told.detail ?? response.statusText);
  }
  return (await response.json()) as Answer;
}

export const fetchAlerts = (before: string | null): Promise<AlertPage> =>
  get(before === null ? "/alerts" : `/alerts?before=${encodeURIComponent(before)}`);

export const fetchCameras = (): Promise<CameraList> => get("/cameras");

export const clipAddress = (alert: Alert): string => `/alerts/${encodeURIComponent(alert.alert_id)}/clip`;

/** A picture may be replaced by a better one while the vehicle is still in view: its address changes with the alert. */
export const pictureAddress = (alert: Alert, kind: PictureKind): string =>
  `/alerts/${encodeURIComponent(alert.alert_id)}/${kind === "plate" ? "plate" : "picture"}` +
  `?of=${Date.parse(alert.updated_at ?? alert.raised_at)}`;

export const hasPicture = (alert: Alert, kind: PictureKind): boolean =>
  alert.picture.state === "ready" && alert.picture.kinds.includes(kind);
