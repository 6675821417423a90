import type { ReactElement } from "react";

import mark from "../beket.svg";
import type { FeedView } from "../feed/feed";
import { LANGUAGES, SHORT, useLanguage, type Code } from "../text/language";
import { useClock, useNow } from "../text/time";
import { ConnectionMark } from "./ConnectionMark";
import type { Sound } from "./sound";

/** The page's two sides. */
export type Place = "alerts" | "search";

interface Props {
  view: FeedView;
  place: Place;
  sound: Sound;
  onLanguage: (code: Code) => void;
  onNewest: () => void;
  onPlace: (place: Place) => void;
  onKeys: () => void;
}

export function TopBar({ view, place, sound, onLanguage, onNewest, onPlace, onKeys }: Props): ReactElement {
  const { code, text, number, count } = useLanguage();
  const unseen = view.unseen.size;
  return (
    <header className="bar">
      <h1 className="brand"><img src={mark} alt="" /> beket <span>{text.region}</span></h1>
      <nav className="places">
        {(["alerts", "search"] as const).map((one) => (
          <button key={one} type="button" aria-current={one === place ? "page" : undefined} onClick={() => { onPlace(one); }}>
            {one === "alerts" ? text.search.alerts : text.search.open}
          </button>
        ))}
      </nav>
      <ConnectionMark connection={view.connection} />
      <p className="tally">
        <strong>{number(view.alerts.length)}{view.older === "end" ? "" : "+"}</strong>{" "}
        {count(view.alerts.length, text.alerts.total)}
        {unseen > 0 && (
          <button type="button" className="tally-new" onClick={onNewest} title={text.alerts.newest}>
            {number(unseen)} {count(unseen, text.alerts.unseen)}
          </button>
        )}
      </p>
      <span className="bar-space" />
      <WallClock />
      <button
        type="button"
        className={`sound ${sound.isOn ? "sound-on" : ""}`}
        aria-pressed={sound.isOn}
        title={sound.isBlocked ? text.sound.blocked : undefined}
        onClick={sound.toggle}
      >
        <SoundIcon isOn={sound.isOn} /> {sound.isOn ? text.sound.on : text.sound.off}{sound.isBlocked && " !"}
      </button>
      <div className="languages" role="group" aria-label={text.languageSwitch}>
        {(Object.keys(LANGUAGES) as Code[]).map((one) => (
          <button
            key={one}
            type="button"
            lang={one}
            aria-pressed={one === code}
            title={LANGUAGES[one].language}
            onClick={() => { onLanguage(one); }}
          >
            {SHORT[one]}
          </button>
        ))}
      </div>
      <button type="button" className="keys-button" aria-label={text.keys.open} title={text.keys.open} onClick={onKeys}>?</button>
    </header>
  );
}

function WallClock(): ReactElement {
  const now = useNow(1000);
  const clock = useClock();
  return (
    <p className="wall-clock">
      <time dateTime={new Date(now).toISOString()}>{clock.time(now)}</time>
      <span>{clock.zone}</span>
    </p>
  );
}

function SoundIcon({ isOn }: { isOn: boolean }): ReactElement {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M4 9v6h4l5 4V5L8 9H4z" fill="currentColor" />
      {isOn ? (
        <path d="M16 8.500a5 5 0 0 1 0 7M18.500 6a8.500 8.500 0 0 1 0 12" fill="none" stroke="currentColor" strokeWidth="2" />
      ) : (
        <path d="M16 9.500l5 5m0-5l-5 5" fill="none" stroke="currentColor" strokeWidth="2" />
      )}
    </svg>
  );
}
