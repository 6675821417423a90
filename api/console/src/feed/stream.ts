import type { Alert, CameraChange, HealthChange, LogEvent, StreamState } from "./records";

export type Connection =
  | { state: "connecting"; since: number }
  | { state: "live"; since: number }
  | { state: "lost"; since: number }
  | { state: "behind"; since: number; reason: string | null };

interface Listener {
  onAlert: (alert: Alert, isNew: boolean) => void;
  onCamera: (change: CameraChange | HealthChange) => void;
  /** The log no longer holds what lies after our cursor: what is on screen must be fetched anew. */
  onReset: () => void;
  onConnection: (connection: Connection) => void;
}

/** The server says something at least every 10 s; a silence this long is a dead line that no error told us of. */
const SILENCE_MS = 25_000;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 5_000;

/** Follows the event log from a cursor, over any number of cut connections, without a gap or a repeat. */
export class EventStream {
  #source: EventSource | null = null;
  #cursor = 0;
  #wait = FIRST_WAIT_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #connection: Connection = { state: "connecting", since: Date.now() };

  constructor(private readonly listener: Listener) {}

  start(cursor: number): void {
    this.#cursor = cursor;
    window.addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
    this.#open();
  }

  stop(): void {
    window.removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    this.#close();
  }

  #open(): void {
    this.#close();
    const source = new EventSource(`/events?cursor=${this.#cursor}`);
    this.#source = source;
    const on = <Data>(kind: string, take: (event: LogEvent<Data>) => void): void => {
      source.addEventListener(kind, (message: MessageEvent<string>) => {
        if (source !== this.#source) return;
        const event = JSON.parse(message.data) as LogEvent<Data>;
        this.#cursor = Math.max(this.#cursor, event.cursor ?? 0);
        this.#listenForSilence();
        take(event);
      });
    };
    on<Alert>("alert.raised", (event) => { this.listener.onAlert(event.data, true); });
    on<Alert>("alert.updated", (event) => { this.listener.onAlert(event.data, false); });
    on<CameraChange>("camera.state", (event) => { this.listener.onCamera(event.data); });
    on<HealthChange>("camera.health", ({ data: { camera_id, score, reasons } }) => {
      this.listener.onCamera({ camera_id, score, reasons });
    });
    on<StreamState>("stream.state", (event) => {
      this.#wait = FIRST_WAIT_MS;
      const since = Date.parse(event.data.since);
      this.#tell(event.data.live ? { state: "live", since } : { state: "behind", since, reason: event.data.reason });
    });
    source.addEventListener("stream.reset", (message: MessageEvent<string>) => {
      this.#cursor = (JSON.parse(message.data) as LogEvent<unknown>).cursor ?? 0;
      this.listener.onReset();
    });
    source.onerror = () => { this.#lose(); };
    this.#listenForSilence();
  }

  #lose(): void {
    this.#close();
    this.#tell({ state: "lost", since: Date.now() });
    this.#retry = setTimeout(() => { this.#open(); }, this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    this.#source?.close();
    this.#source = null;
  }

  #listenForSilence(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => { this.#lose(); }, SILENCE_MS);
  }

  readonly #hurry = (): void => {
    if (this.#connection.state === "lost" && !document.hidden) this.#open();
  };

  /** A state that lasts keeps the time at which it began. */
  #tell(next: Connection): void {
    if (next.state === this.#connection.state && next.state !== "behind") return;
    this.#connection = next;
    this.listener.onConnection(next);
  }
}
