import { useState, type ReactElement } from "react";

import { Plate } from "../plate/Plate";
import { useLanguage, wordFor } from "../text/language";
import { useClock } from "../text/time";
import { hitPicture } from "./client";
import type { Found, RouteOf } from "./records";

interface Props {
  found: Found;
  onPoint: (cameraId: string | null) => void;
  onRoute: (of: RouteOf) => void;
}

export function FoundCard({ found, onPoint, onRoute }: Props): ReactElement {
  const { text, number } = useLanguage();
  const clock = useClock();
  const [hit] = found.hits;
  const percent = (share: number): string => number(share, { style: "percent" });
  const vehicle = [
    found.vehicle_colour !== null && wordFor(text.search.colours, found.vehicle_colour),
    found.vehicle_type !== null && wordFor(text.vehicles, found.vehicle_type),
  ].filter(Boolean).join(" ");
  const { plate, appearance, same_colour } = found.why;
  return (
    <li
      className="found"
      tabIndex={0}
      onFocus={() => { onPoint(found.camera.camera_id); }}
      onBlur={() => { onPoint(null); }}
      onPointerEnter={() => { onPoint(found.camera.camera_id); }}
      onPointerLeave={() => { onPoint(null); }}
    >
      <FoundPicture hitId={hit?.hit_id ?? null} label={found.text} />
      <div className="found-told">
        <div className="found-top">
          <Plate plate={found.text} country={found.country} lines={found.lines} size="small" />
          {hit !== undefined && <span className="kind kind-exact">{text.search.hit}</span>}
          {found.score !== null && <strong className="found-score">{percent(found.score)}</strong>}
        </div>
        <p>
          <time dateTime={found.seen_at}>{clock.moment(Date.parse(found.seen_at))}</time> · {found.camera.name}
          {found.camera.place !== "" && <span className="card-place"> · {found.camera.place}</span>}
        </p>
        <p className="card-place">
          {[vehicle, `${text.reading.read}: ${percent(found.read_score)}`].filter(Boolean).join(" · ")}
        </p>
        {found.score !== null && (
          <ul className="why" aria-label={text.search.why}>
            {plate !== null && <li><Meter share={plate} /> {text.search.whyPlate} {percent(plate)}</li>}
            {appearance !== null && <li><Meter share={appearance} /> {text.search.whyLooks} {number(appearance, { maximumFractionDigits: 2 })}</li>}
            {same_colour !== null && <li>{same_colour ? text.search.sameColour : text.search.otherColour}</li>}
          </ul>
        )}
      </div>
      <button type="button" onClick={() => { onRoute(hit === undefined ? { plate: found.text } : { entry_id: hit.entry_id }); }}>
        {text.search.route}
      </button>
    </li>
  );
}

function FoundPicture({ hitId, label }: { hitId: string | null; label: string }): ReactElement {
  const { text } = useLanguage();
  const [isMissing, setIsMissing] = useState(false);
  if (hitId === null || isMissing) {
    return <span className="found-picture found-picture-none">{hitId === null ? text.search.noPicture : text.picture.lost}</span>;
  }
  return (
    <img className="found-picture" src={hitPicture(hitId)} alt={label} loading="lazy" onError={() => { setIsMissing(true); }} />
  );
}

function Meter({ share }: { share: number }): ReactElement {
  return (
    <svg className="meter" viewBox="0 0 40 6" aria-hidden="true">
      <rect width="40" height="6" />
      <rect className="meter-full" width={40 * Math.min(Math.max(share, 0), 1)} height="6" />
    </svg>
  );
}
