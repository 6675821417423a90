import { memo, useEffect, useRef, type ReactElement } from "react";

import { hasPicture, pictureAddress } from "../feed/client";
import type { Alert } from "../feed/records";
import { Plate } from "../plate/Plate";
import { useLanguage, wordFor } from "../text/language";
import { Ago, useClock } from "../text/time";
import { toneOf } from "./category";
import { KindBadge } from "./KindBadge";

interface Props {
  alert: Alert;
  isChosen: boolean;
  isUnseen: boolean;
  onChoose: (alertId: string) => void;
}

export const AlertCard = memo(function AlertCard({ alert, isChosen, isUnseen, onChoose }: Props): ReactElement {
  const { text, number } = useLanguage();
  const clock = useClock();
  const button = useRef<HTMLButtonElement>(null);
  const raisedAt = Date.parse(alert.raised_at);

  useEffect(() => {
    if (!isChosen) return;
    button.current?.scrollIntoView({ block: "nearest" });
    if (document.activeElement?.closest(".list")) button.current?.focus({ preventScroll: true });
  }, [isChosen]);

  return (
    <li className={`card ${toneOf(alert.entry.category)} ${isUnseen ? "card-unseen" : ""}`}>
      <button
        ref={button}
        type="button"
        data-alert={alert.alert_id}
        aria-current={isChosen ? "true" : undefined}
        onClick={() => { onChoose(alert.alert_id); }}
      >
        <span className="card-top">
          <Plate plate={alert.entry.plate} country={alert.country} lines={alert.lines} size="small" />
          {hasPicture(alert, "plate") ? (
            <img className="card-crop" src={pictureAddress(alert, "plate")} alt="" loading="lazy" />
          ) : (
            <span className="card-crop card-crop-none" aria-hidden="true" />
          )}
        </span>
        <span className="card-middle">
          <span className="card-category">{wordFor(text.categories, alert.entry.category)}</span>
          <KindBadge kind={alert.kind} />
          <span className="card-score">{number(Math.floor(alert.score * 100))}&nbsp;%</span>
          {alert.before_entry === true && <span className="card-before">{text.beforeEntry.badge}</span>}
          {isUnseen && <span className="card-new">{text.alerts.isNew}</span>}
        </span>
        <span className="card-bottom">
          <span className="card-camera">
            {alert.camera.name}
            {alert.camera.place !== "" && <span className="card-place"> · {alert.camera.place}</span>}
          </span>
          <time dateTime={alert.raised_at}>{clock.moment(raisedAt)}</time>
          <Ago at={raisedAt} />
        </span>
      </button>
    </li>
  );
});
