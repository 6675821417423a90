import { fetchAlerts, fetchCameras, Problem } from "./client";
import type { Alert, AlertPage, CameraStatus } from "./records";
import { EventStream, type Connection } from "./stream";

export interface FeedView {
  phase: "loading" | "ready" | "failed";
  problem: Problem | null;
  /** Newest first. */
  alerts: readonly Alert[];
  older: "more" | "loading" | "end";
  cameras: readonly CameraStatus[];
  connection: Connection;
  /** Raised while this page was open and not yet looked at. */
  unseen: ReadonlySet<string>;
  /** The alert raised last while this page was open. */
  latest: Alert | null;
}

const RETRY_MS = 2_000;
/** Alerts kept in memory; older ones are fetched again when scrolled to. */
const MOST_KEPT = 2_000;

const newestFirst = (a: Alert, b: Alert): number =>
  Date.parse(b.raised_at) - Date.parse(a.raised_at) || (a.alert_id < b.alert_id ? 1 : -1);

/** What the page knows: a first answer of the API, then every event after it. Feeds React by `subscribe` and `view`. */
export class Feed {
  #view: FeedView = {
    phase: "loading",
    problem: null,
    alerts: [],
    older: "end",
    cameras: [],
    connection: { state: "connecting", since: Date.now() },
    unseen: new Set(),
    latest: null,
  };
  #next: string | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #stream = new EventStream({
    onAlert: (alert, isNew) => { this.#take(alert, isNew); },
    onCamera: (change) => {
      if (this.#view.cameras.some((camera) => camera.camera_id === change.camera_id)) {
        this.#set({
          cameras: this.#view.cameras.map((camera) =>
            camera.camera_id === change.camera_id ? { ...camera, ...change } : camera,
          ),
        });
      } else {
        void this.#loadCameras();
      }
    },
    onReset: () => { void this.#load(false); },
    onConnection: (connection) => { this.#set({ connection }); },
  });

  readonly view = (): FeedView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(): void {
    void this.#load(true);
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#stream.stop();
  }

  markSeen(alertId: string): void {
    if (!this.#view.unseen.has(alertId)) return;
    const unseen = new Set(this.#view.unseen);
    unseen.delete(alertId);
    this.#set({ unseen });
  }

  markAllSeen(): void {
    this.#set({ unseen: new Set() });
  }

  async loadOlder(): Promise<void> {
    if (this.#view.older !== "more" || this.#next === null) return;
    this.#set({ older: "loading" });
    try {
      const page = await fetchAlerts(this.#next);
      this.#next = page.next;
      this.#set({ alerts: this.#merge(page), older: page.next === null ? "end" : "more" });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#set({ older: "more" });
    }
  }

  async #load(first: boolean): Promise<void> {
    try {
      const [page, list] = await Promise.all([fetchAlerts(null), fetchCameras()]);
      this.#next = page.next;
      this.#set({
        phase: "ready",
        problem: null,
        alerts: page.alerts,
        older: page.next === null ? "end" : "more",
        cameras: list.cameras,
      });
      // The page and the cursor are of one moment or the cursor is the earlier: what follows may repeat, never miss.
      if (first) this.#stream.start(page.cursor);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (first) this.#set({ phase: "failed", problem });
      this.#retry = setTimeout(() => void this.#load(first), RETRY_MS);
    }
  }

  async #loadCameras(): Promise<void> {
    try {
      this.#set({ cameras: (await fetchCameras()).cameras });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem; // the next change of a camera tries again
    }
  }

  #merge(page: AlertPage): Alert[] {
    const known = new Map(this.#view.alerts.map((alert) => [alert.alert_id, alert]));
    for (const alert of page.alerts) known.set(alert.alert_id, alert);
    return [...known.values()].sort(newestFirst);
  }

  #take(alert: Alert, isNew: boolean): void {
    const { alerts, unseen } = this.#view;
    const at = alerts.findIndex((known) => known.alert_id === alert.alert_id);
    if (at >= 0) {
      this.#set({ alerts: alerts.with(at, alert) });
      return;
    }
    // An update of an alert beyond what is loaded comes with its page.
    if (!isNew) return;
    const kept = [alert, ...alerts].sort(newestFirst);
    if (kept.length > MOST_KEPT) {
      kept.length = MOST_KEPT;
      this.#next = kept.at(-1)?.alert_id ?? null; // the API's pages go on from an alert's id
      this.#set({ older: "more" });
    }
    this.#set({ alerts: kept, unseen: new Set(unseen).add(alert.alert_id), latest: alert });
  }

  #set(change: Partial<FeedView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}
