import { useState, type ReactElement, type RefObject } from "react";

import { clipAddress, hasPicture, pictureAddress } from "../feed/client";
import type { Alert } from "../feed/records";
import { useLanguage } from "../text/language";

const CODEC_NAMES: Record<string, string> = { h264: "H.264", hevc: "HEVC (H.265)", h265: "HEVC (H.265)", av1: "AV1" };

export const codecName = (codec: string | null): string => (codec === null ? "?" : (CODEC_NAMES[codec] ?? codec));

const prefersStillness = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

interface Props {
  alert: Alert;
  video: RefObject<HTMLVideoElement | null>;
}

/** The clip in place; or why it does not play, and the way to it. Mount anew for each alert (`key`). */
export function ClipPlayer({ alert, video }: Props): ReactElement {
  const { text } = useLanguage();
  const [failed, setFailed] = useState(false);
  const { clip } = alert;
  const address = clipAddress(alert);

  if (clip.state !== "ready") {
    return (
      <div className={`stage-empty stage-${clip.state}`} role="status">
        {clip.state === "pending" && <span className="spinner" aria-hidden="true" />}
        <strong>{clip.state === "pending" ? text.clip.pending : text.clip.lost}</strong>
        <span>{clip.state === "pending" ? text.clip.pendingHint : clip.reason}</span>
      </div>
    );
  }
  const isPlayable = clip.mime === null || document.createElement("video").canPlayType(clip.mime) !== "";
  if (!isPlayable || failed) {
    return (
      <div className="stage-empty stage-unplayable" role="status">
        <strong>{isPlayable ? text.clip.failed : text.clip.unplayable(codecName(clip.codec))}</strong>
        <span>{text.clip.unplayableHint}</span>
        <span className="stage-actions">
          <a className="button" href={address} download={`${alert.alert_id}.mp4`}>{text.clip.download}</a>
          {isPlayable && <button type="button" onClick={() => { setFailed(false); }}>{text.clip.again}</button>}
        </span>
      </div>
    );
  }
  return (
    <video
      ref={video}
      src={address}
      poster={hasPicture(alert, "vehicle") ? pictureAddress(alert, "vehicle") : undefined}
      aria-label={text.clip.title}
      controls
      muted
      loop
      playsInline
      autoPlay={!prefersStillness()}
      preload="auto"
      onError={() => { setFailed(true); }}
    />
  );
}
