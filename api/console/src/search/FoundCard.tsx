import { useEffect, useRef, useState, type ReactElement } from "react";

import { Plate } from "../plate/Plate";
import { useLanguage, wordFor } from "../text/language";
import { useClock } from "../text/time";
import { fetchHitPicture } from "./client";
import type { Found, Purpose, RouteOf } from "./records";

interface Props {
  found: Found;
  purpose: Purpose;
  onPoint: (cameraId: string | null) => void;
  onRoute: (of: RouteOf) => void;
}

export function FoundCard({ found, purpose, onPoint, onRoute }: Props): ReactElement {
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
      <FoundPicture hitId={hit?.hit_id ?? null} purpose={purpose} label={found.text} />
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

/** Fetched, and so logged, when it comes into sight. */
function FoundPicture({ hitId, purpose, label }: { hitId: string | null; purpose: Purpose; label: string }): ReactElement {
  const { text } = useLanguage();
  const place = useRef<HTMLSpanElement>(null);
  const [address, setAddress] = useState<string | null>(null);
  const [isMissing, setIsMissing] = useState(false);
  useEffect(() => {
    if (hitId === null || place.current === null) return undefined;
    let made: string | null = null;
    let isGone = false;
    const show = (picture: Blob): void => {
      if (isGone) return;
      made = URL.createObjectURL(picture);
      setAddress(made);
    };
    const sight = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      sight.disconnect();
      fetchHitPicture(purpose, hitId).then(show, () => { setIsMissing(true); });
    });
    sight.observe(place.current);
    return () => {
      isGone = true;
      sight.disconnect();
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [hitId, purpose]);
  if (address !== null && !isMissing) {
    return <img className="found-picture" src={address} alt={label} onError={() => { setIsMissing(true); }} />;
  }
  const told = hitId === null ? text.search.noPicture : isMissing ? text.picture.lost : "";
  return <span ref={place} className="found-picture found-picture-none">{told}</span>;
}

function Meter({ share }: { share: number }): ReactElement {
  return (
    <svg className="meter" viewBox="0 0 40 6" aria-hidden="true">
      <rect width="40" height="6" />
      <rect className="meter-full" width={40 * Math.min(Math.max(share, 0), 1)} height="6" />
    </svg>
  );
}
