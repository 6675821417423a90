import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactElement } from "react";

import { AlertDetail } from "./alerts/AlertDetail";
import { AlertList } from "./alerts/AlertList";
import { Picture } from "./alerts/Picture";
import { Dialog } from "./bar/Dialog";
import { Keys } from "./bar/Keys";
import { useSound } from "./bar/sound";
import { TopBar, type Place } from "./bar/TopBar";
import { CameraPanel } from "./cameras/CameraPanel";
import type { Feed } from "./feed/feed";
import { useKeyboard, type Action } from "./keyboard";
import { SearchPage } from "./search/SearchPage";
import { LanguageContext, languageOf, preferredLanguage, rememberLanguage, wordFor, type Code } from "./text/language";

export function App({ feed }: { feed: Feed }): ReactElement {
  const view = useSyncExternalStore(feed.subscribe, feed.view);
  const [code, setCode] = useState(preferredLanguage);
  const language = useMemo(() => languageOf(code), [code]);
  const { text } = language;
  // Null: the newest alert is shown, whichever it is. An alert chosen by hand stays until the operator leaves it.
  const [held, setHeld] = useState<string | null>(null);
  const [dialog, setDialog] = useState<"keys" | "picture" | null>(null);
  const [place, setPlace] = useState<Place>(() => (location.hash === "#search" ? "search" : "alerts"));
  const [hasSearched, setHasSearched] = useState(place === "search");
  const video = useRef<HTMLVideoElement | null>(null);
  const sound = useSound(view.latest);

  const shownAt = held === null ? 0 : view.alerts.findIndex((alert) => alert.alert_id === held);
  const shown = view.alerts[Math.max(0, shownAt)] ?? null;
  const shownId = shown?.alert_id ?? null;
  const isShownNew = shownId !== null && view.unseen.has(shownId);

  useEffect(() => {
    document.documentElement.lang = code;
  }, [code]);
  useEffect(() => {
    const unseen = view.unseen.size;
    const title = place === "search" ? text.search.title : text.title;
    document.title = unseen > 0 ? `(${unseen}) ${title} · beket` : `${title} · beket`;
  }, [view.unseen, text, place]);
  useEffect(() => {
    // Shown by itself is not looked at: it counts as seen once the page is in front for a while.
    if (!isShownNew || place !== "alerts") return;
    const timer = setTimeout(() => {
      if (!document.hidden) feed.markSeen(shownId);
    }, 4_000);
    return () => { clearTimeout(timer); };
  }, [feed, shownId, isShownNew, place]);

  const choose = useCallback(
    (alertId: string) => {
      feed.markSeen(alertId);
      setHeld(alertId);
    },
    [feed],
  );
  const showNewest = useCallback(() => {
    setHeld(null);
    document.querySelector(".list")?.scrollTo({ top: 0 });
  }, []);
  const older = useCallback(() => void feed.loadOlder(), [feed]);
  const changeLanguage = (next: Code): void => {
    rememberLanguage(next);
    setCode(next);
  };

  const goTo = useCallback((next: Place) => {
    history.replaceState(null, "", next === "search" ? "#search" : location.pathname);
    setPlace(next);
    if (next === "search") setHasSearched(true);
  }, []);

  const act = useCallback(
    (action: Action) => {
      if (action === "search") {
        goTo(place === "search" ? "alerts" : "search");
        return;
      }
      if (place === "search" && action !== "keys") return;
      const { alerts } = feed.view();
      const step = (by: number): void => {
        const next = alerts[Math.max(0, alerts.findIndex((alert) => alert.alert_id === shownId)) + by];
        if (next) choose(next.alert_id);
        else if (by > 0) older();
      };
      switch (action) {
        case "older":
          step(1);
          break;
        case "newer":
          step(-1);
          break;
        case "newest":
          showNewest();
          break;
        case "play":
          if (video.current?.paused === true) void video.current.play();
          else video.current?.pause();
          break;
        case "picture":
          setDialog("picture");
          break;
        case "keys":
          setDialog("keys");
          break;
      }
    },
    [feed, place, shownId, choose, goTo, older, showNewest],
  );
  useKeyboard(act);

  return (
    <LanguageContext value={language}>
      <a className="skip" href="#alerts">{text.skip}</a>
      <TopBar
        view={view}
        place={place}
        sound={sound}
        onLanguage={changeLanguage}
        onNewest={() => { goTo("alerts"); showNewest(); }}
        onPlace={goTo}
        onKeys={() => { setDialog("keys"); }}
      />
      {hasSearched && <SearchPage cameras={view.cameras} isShown={place === "search"} />}
      <main hidden={place !== "alerts"} className={view.phase === "ready" && shown !== null ? "" : "main-empty"}>
        {view.phase === "loading" && (
          <div className="notice" role="status"><span className="spinner" aria-hidden="true" /> {text.alerts.loading}</div>
        )}
        {view.phase === "failed" && (
          <div className="notice notice-failed" role="alert">
            <h2>{text.failed.title}</h2>
            <p>{view.problem === null || view.problem.status === 0 ? text.failed.unreachable : view.problem.message}</p>
            <p>{text.failed.again}</p>
          </div>
        )}
        {view.phase === "ready" && shown === null && (
          <div className="notice" role="status">
            <h2>{text.alerts.empty}</h2>
            <p>{text.alerts.emptyHint}</p>
          </div>
        )}
        {view.phase === "ready" && shown !== null && (
          <>
            <AlertList view={view} chosen={shownId} onChoose={choose} onOlder={older} />
            <AlertDetail alert={shown} video={video} onEnlarge={() => { setDialog("picture"); }} />
          </>
        )}
      </main>
      <CameraPanel cameras={view.cameras} />
      <p className="announcer" aria-live="assertive">
        {view.latest !== null &&
          text.alerts.announce(
            view.latest.entry.plate,
            wordFor(text.categories, view.latest.entry.category),
            view.latest.camera.name,
          )}
      </p>
      {dialog === "keys" && <Keys onClose={() => { setDialog(null); }} />}
      {dialog === "picture" && shown !== null && (
        <Dialog className="enlarged" label={text.picture.title} onClose={() => { setDialog(null); }}>
          <Picture key={shown.alert_id} alert={shown} kind="vehicle" />
        </Dialog>
      )}
    </LanguageContext>
  );
}
