import { useState, type ReactElement } from "react";

import { hasPicture, pictureAddress } from "../feed/client";
import type { Alert, PictureKind } from "../feed/records";
import { useLanguage } from "../text/language";

interface Props {
  alert: Alert;
  kind: PictureKind;
}

/** The frame that was read, or the plate cut from it; says so while it is on its way or gone. Mount anew by alert. */
export function Picture({ alert, kind }: Props): ReactElement {
  const { text } = useLanguage();
  const [failed, setFailed] = useState(false);
  const { state } = alert.picture;
  if (!hasPicture(alert, kind) || failed) {
    const told = failed ? text.picture.failed : state === "pending" ? text.picture.pending : text.picture.lost;
    return (
      <div className="stage-empty" role="status">
        {state === "pending" && <span className="spinner" aria-hidden="true" />}
        <span>{told}</span>
      </div>
    );
  }
  return (
    <img
      src={pictureAddress(alert, kind)}
      alt={`${kind === "plate" ? text.picture.crop : text.picture.title}: ${alert.text}`}
      onError={() => { setFailed(true); }}
    />
  );
}
