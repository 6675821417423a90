import type { ReactElement, RefObject } from "react";

import type { Alert } from "../feed/records";
import { Plate } from "../plate/Plate";
import { Reading } from "../plate/Reading";
import { useLanguage, wordFor } from "../text/language";
import { Ago, useClock } from "../text/time";
import { toneOf } from "./category";
import { ClipPlayer, codecName } from "./ClipPlayer";
import { KindBadge } from "./KindBadge";
import { Picture } from "./Picture";

const countryName = (code: string, locale: string): string =>
  /^[a-z]{2}$/i.test(code) ? (new Intl.DisplayNames(locale, { type: "region" }).of(code.toUpperCase()) ?? code) : code;

interface Props {
  alert: Alert;
  video: RefObject<HTMLVideoElement | null>;
  onEnlarge: () => void;
}

export function AlertDetail({ alert, video, onEnlarge }: Props): ReactElement {
  const { text, number, count, locale } = useLanguage();
  const clock = useClock();
  const raisedAt = Date.parse(alert.raised_at);
  const seenAt = alert.seen_at === null ? null : Date.parse(alert.seen_at);
  const country = alert.country === null ? null : (text.countries[alert.country] ?? countryName(alert.country, locale));
  const seconds = (s: number): string =>
    number(s, { style: "unit", unit: "second", unitDisplay: "short", maximumFractionDigits: 1 });

  return (
    <article className={`detail ${toneOf(alert.entry.category)}`} aria-label={`${text.facts.alert} ${alert.entry.plate}`}>
      <header className="detail-head">
        <Plate plate={alert.entry.plate} country={alert.country} lines={alert.lines} size="large" />
        <div className="detail-what">
          <p className="detail-category">{wordFor(text.categories, alert.entry.category)}</p>
          <p className="detail-where">
            {alert.camera.name}
            {alert.camera.place !== "" && <span> · {alert.camera.place}</span>}
          </p>
        </div>
        <div className="detail-kind">
          <KindBadge kind={alert.kind} />
          <span className="detail-score">
            <span className="label">{text.score}</span> {number(Math.floor(alert.score * 100))}&nbsp;%
          </span>
        </div>
        <div className="detail-when">
          <time dateTime={alert.raised_at}>{clock.moment(raisedAt)}</time>
          <Ago at={raisedAt} />
        </div>
      </header>

      <section className="stage" aria-label={text.clip.title}>
        <ClipPlayer key={`${alert.alert_id} ${alert.clip.state}`} alert={alert} video={video} />
      </section>

      <section className="evidence">
        <h2>{text.picture.crop}</h2>
        <div className="crop"><Picture key={`${alert.alert_id} ${alert.updated_at ?? ""}`} alert={alert} kind="plate" /></div>
        <h2>{text.reading.title}</h2>
        <Reading text={alert.text} characters={alert.characters} plate={alert.entry.plate} />
        <p className={`meaning meaning-${alert.kind}`}>{text.kindMeaning[alert.kind]}</p>
        {alert.before_entry === true && <p className="before-entry">{text.beforeEntry.meaning}</p>}
        <dl className="facts">
          {(alert.entry.risk ?? "") !== "" && (
            <><dt>{text.entry.risk}</dt><dd className="note">{alert.entry.risk}</dd></>
          )}
          {(alert.entry.instructions ?? "") !== "" && (
            <><dt>{text.entry.instructions}</dt><dd className="note">{alert.entry.instructions}</dd></>
          )}
          {alert.entry.hotlist !== "" && <><dt>{text.entry.hotlist}</dt><dd>{alert.entry.hotlist}</dd></>}
          {alert.entry.note !== "" && (
            <><dt>{text.entry.note}</dt><dd className="note">{alert.entry.note}</dd></>
          )}
          {alert.entry.legal_basis !== null && <><dt>{text.entry.basis}</dt><dd>{alert.entry.legal_basis}</dd></>}
          {alert.entry.valid_until !== null && (
            <><dt>{text.entry.until}</dt><dd>{clock.day(Date.parse(alert.entry.valid_until))}</dd></>
          )}
        </dl>
      </section>

      <div className="lower">
        <section className="frame" aria-label={text.picture.title}>
          <h2>{text.picture.title}</h2>
          <button type="button" className="frame-button" onClick={onEnlarge} title={text.picture.enlarge}>
            <Picture key={`${alert.alert_id} ${alert.updated_at ?? ""}`} alert={alert} kind="vehicle" />
          </button>
        </section>

        <section className="about">
          <dl className="facts">
            {seenAt !== null && <><dt>{text.facts.seen}</dt><dd>{clock.full(seenAt)}</dd></>}
            <dt>{text.facts.raised}</dt>
            <dd>
              {seenAt === null || raisedAt < seenAt
                ? clock.full(raisedAt)
                : text.facts.after(seconds((raisedAt - seenAt) / 1000))}
            </dd>
            <dt>{text.facts.camera}</dt><dd>{alert.camera.name} <code>{alert.camera.camera_id}</code></dd>
            <dt>{text.facts.plate}</dt>
            <dd>{[country, alert.format, count(alert.lines, text.facts.lines)].filter(Boolean).join(" · ")}</dd>
            {alert.vehicle_type !== null && (
              <><dt>{text.facts.vehicle}</dt><dd>{wordFor(text.vehicles, alert.vehicle_type)}</dd></>
            )}
            <dt>{text.facts.sightings}</dt>
            <dd>
              {number(alert.sightings)}
              {alert.sightings > 1 && (
                <ul className="sighted">
                  {alert.sighted.map((seen) => (
                    <li key={`${seen.camera_id} ${seen.pass_id}`}>{clock.full(Date.parse(seen.seen_at))} {seen.name}</li>
                  ))}
                </ul>
              )}
            </dd>
            {alert.clip.state === "ready" && (
              <>
                <dt>{text.clip.title}</dt>
                <dd>
                  {[codecName(alert.clip.codec), alert.clip.duration_s !== null && seconds(alert.clip.duration_s)]
                    .filter(Boolean)
                    .join(" · ")}
                </dd>
              </>
            )}
          </dl>
        </section>
      </div>
    </article>
  );
}
