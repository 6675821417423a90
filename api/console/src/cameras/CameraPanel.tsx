import { useState, type ReactElement } from "react";

import type { CameraStatus } from "../feed/records";
import { useLanguage, wordFor } from "../text/language";
import { useClock } from "../text/time";
import { HealthReasons, Score } from "./Health";

/** Worst first: a camera that sees nothing is what the operator has to know of. */
const ORDER = ["blind", "backing_off", "stalled", "connecting", "new", "disabled", "live"];
const rank = (state: string): number => (ORDER.includes(state) ? ORDER.indexOf(state) : 0);
const SHOWN_IN_STRIP = 8;

export function CameraPanel({ cameras }: { cameras: readonly CameraStatus[] }): ReactElement {
  const { text } = useLanguage();
  const clock = useClock();
  const [isOpen, setIsOpen] = useState(false);
  const sorted = [...cameras].sort((a, b) => rank(a.state) - rank(b.state) || (a.score ?? 100) - (b.score ?? 100) || a.name.localeCompare(b.name));
  const live = cameras.filter((camera) => camera.state === "live").length;
  const shown = sorted.slice(0, SHOWN_IN_STRIP);

  return (
    <section className={`cameras ${isOpen ? "cameras-open" : ""}`} aria-label={text.cameras.title}>
      <button
        type="button"
        className="cameras-strip"
        aria-expanded={isOpen}
        title={isOpen ? text.cameras.close : text.cameras.open}
        onClick={() => { setIsOpen(!isOpen); }}
      >
        <span className="cameras-count">
          {text.cameras.title} <strong className={live < cameras.length ? "warn" : ""}>{live}/{cameras.length}</strong>
        </span>
        {cameras.length === 0 && <span className="cameras-note">{text.cameras.none}</span>}
        <span className="cameras-chips">
          {shown.map((camera) => (
            <span key={camera.camera_id} className={`chip state-${camera.state}`}>
              <StateDot state={camera.state} />
              <span className="chip-name">{camera.name}</span>
              {camera.score !== null && camera.score < 100 && <Score score={camera.score} />}
              {(camera.state !== "live" || camera.reason !== null) && (
                <span className="chip-reason">
                  {[
                    camera.state !== "live" && wordFor(text.cameras.states, camera.state),
                    camera.reason !== null && camera.reason !== camera.state && wordFor(text.cameras.reasons, camera.reason),
                  ].filter(Boolean).join(": ")}
                </span>
              )}
            </span>
          ))}
          {sorted.length > SHOWN_IN_STRIP && <span className="chip">+{sorted.length - SHOWN_IN_STRIP}</span>}
        </span>
        <span className="cameras-toggle" aria-hidden="true">{isOpen ? "▾" : "▴"}</span>
      </button>
      {isOpen && (
        <div className="cameras-table">
          <table>
            <thead>
              <tr>
                <th scope="col">{text.cameras.state}</th>
                <th scope="col">{text.cameras.health}</th>
                <th scope="col">{text.cameras.name}</th>
                <th scope="col">{text.cameras.place}</th>
                <th scope="col">{text.cameras.reason}</th>
                <th scope="col">{text.cameras.since}</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((camera) => (
                <tr key={camera.camera_id} className={`state-${camera.state}`}>
                  <td><StateDot state={camera.state} /> {wordFor(text.cameras.states, camera.state)}</td>
                  <td><Score score={camera.score} /></td>
                  <td>{camera.name} <code>{camera.camera_id}</code></td>
                  <td>{camera.place}</td>
                  <td>
                    {camera.reason !== null && wordFor(text.cameras.reasons, camera.reason)}
                    <HealthReasons reasons={camera.reasons.filter((reason) => reason.code !== camera.reason)} />
                  </td>
                  <td>{camera.since !== null && clock.moment(Date.parse(camera.since))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** Shape as well as colour: a full dot is live, a ring is on its way, a bar is blind. */
function StateDot({ state }: { state: string }): ReactElement {
  return <span className={`dot dot-${state}`} aria-hidden="true" />;
}
