import { Problem } from "../feed/client";
import type { FoundPage, Purpose, Question, Route, RouteOf } from "./records";

export type FileKind = "csv" | "json" | "geojson";

function post(address: string, purpose: Purpose, asked: object): Promise<Response> {
  return answered(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Beket-As": encodeURIComponent(purpose.actor) },
    body: JSON.stringify({ ...asked, case: purpose.case, reason: purpose.reason }),
  });
}

async function answered(address: string, asked: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { ...asked, cache: "no-store" });
  } catch {
    throw new Problem(0, "unreachable", "");
  }
  if (!response.ok) {
    const told = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
    throw new Problem(response.status, told.code ?? "error", told.detail ?? response.statusText);
  }
  return response;
}

const addressOf = (question: Question): string => (question.photo === undefined ? "/search" : "/search/photo");

export async function search(purpose: Purpose, question: Question, cursor: string | null): Promise<FoundPage> {
  const patience_s = question.photo === undefined ? 1 : 4;
  const response = await post(addressOf(question), purpose, { ...question, cursor, limit: 30, patience_s });
  return (await response.json()) as FoundPage;
}

export async function fetchRoute(purpose: Purpose, of: RouteOf): Promise<Route> {
  return (await (await post("/search/route", purpose, of)).json()) as Route;
}

/** Saves the whole answer as a file. */
export async function exportAnswer(purpose: Purpose, question: Question, format: FileKind): Promise<void> {
  const response = await post(`${addressOf(question)}/export`, purpose, { ...question, format });
  save(await response.blob(), `sightings.${format}`);
}

export function save(data: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(data);
  link.download = name;
  link.click();
  setTimeout(() => { URL.revokeObjectURL(link.href); }, 10_000);
}

/** The vehicle of a hit, as a JPEG; the look is logged. */
export async function fetchHitPicture(purpose: Purpose, hitId: string): Promise<Blob> {
  const headers = {
    "Beket-As": encodeURIComponent(purpose.actor),
    "Beket-Case": encodeURIComponent(purpose.case),
    "Beket-Reason": encodeURIComponent(purpose.reason),
  };
  return await (await answered(`/hits/${encodeURIComponent(hitId)}/picture`, { headers })).blob();
}
