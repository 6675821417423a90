import { useCallback, useMemo, useRef, useState, type ReactElement } from "react";

import { Problem } from "../feed/client";
import type { CameraStatus } from "../feed/records";
import { useLanguage } from "../text/language";
import { useClock } from "../text/time";
import { exportAnswer, fetchRoute, save, search, type FileKind } from "./client";
import { FoundCard } from "./FoundCard";
import { keyOf, stopsOf, type Found, type FoundPage, type Purpose, type Question, type Route, type RouteOf } from "./records";
import { RegionMap } from "./RegionMap";
import { EMPTY, questionOf, SearchForm, type Draft } from "./SearchForm";

/** What was asked, and what came so far. */
interface Answer {
  purpose: Purpose;
  question: Question;
  sightings: Found[];
  last: FoundPage;
}

const FILES: FileKind[] = ["csv", "json", "geojson"];

/** An investigator's page: who passed where, by plate, photo, place and time, with a reason and a case. */
export function SearchPage({ cameras, isShown }: { cameras: readonly CameraStatus[]; isShown: boolean }): ReactElement {
  const { text, number, count } = useLanguage();
  const clock = useClock();
  const words = text.search;
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [route, setRoute] = useState<Route | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  const latest = useRef(0);
  const change = useCallback((part: Partial<Draft>) => { setDraft((before) => ({ ...before, ...part })); }, []);
  const found = useMemo(() => new Set(answer?.sightings.map((one) => one.camera.camera_id)), [answer]);

  /** Does something that may be refused; what was begun before it is left aside. */
  const attempt = async (work: (isCurrent: () => boolean) => Promise<void>): Promise<void> => {
    const turn = ++latest.current;
    setIsBusy(true);
    setProblem(null);
    try {
      await work(() => latest.current === turn);
    } catch (error) {
      if (latest.current === turn) setProblem(toldOf(error));
    } finally {
      if (latest.current === turn) setIsBusy(false);
    }
  };
  const toldOf = (error: unknown): string => {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 0) return text.failed.unreachable;
    return Object.hasOwn(words.problems, error.code) ? (words.problems[error.code] ?? error.message) : error.message;
  };
  const ask = (): void => {
    const { purpose } = draft;
    const question = questionOf(draft);
    void attempt(async (isCurrent) => {
      const last = await search(purpose, question, null);
      if (!isCurrent()) return;
      setRoute(null);
      setAnswer({ purpose, question, sightings: last.sightings, last });
    });
  };
  const goOn = (before: Answer): void => {
    void attempt(async (isCurrent) => {
      const last = await search(before.purpose, before.question, before.last.next);
      if (isCurrent()) setAnswer({ ...before, sightings: [...before.sightings, ...last.sightings], last });
    });
  };
  const draw = (of: RouteOf): void => {
    if (answer === null) return;
    void attempt(async (isCurrent) => {
      const drawn = await fetchRoute(answer.purpose, of);
      if (isCurrent()) setRoute(drawn);
    });
  };
  const choose = (id: string): void => {
    change({ cameras: draft.cameras.includes(id) ? draft.cameras.filter((one) => one !== id) : [...draft.cameras, id] });
  };

  return (
    <main className="search" hidden={!isShown}>
      <SearchForm
        draft={draft}
        shown={answer?.last.photo !== undefined && answer.question.photo === draft.photo?.base64 ? answer.last.photo : null}
        isAsking={isBusy}
        problem={problem}
        onDraft={change}
        onAsk={ask}
      />
      <section className="answer" aria-label={words.results} aria-busy={isBusy}>
        {answer === null ? (
          <p className="notice">{words.intro}</p>
        ) : (
          <>
            <header className="answer-bar">
              <h2 aria-live="polite">
                {number(answer.sightings.length)}{answer.last.next === null ? "" : "+"} {count(answer.sightings.length, words.found)}
              </h2>
              <span className="card-place">{words.searchedSince(clock.moment(Date.parse(answer.last.searched_since)))}</span>
              <span className="bar-space" />
              <span>{words.export}</span>
              {FILES.map((format) => (
                <button
                  key={format}
                  type="button"
                  disabled={isBusy || answer.sightings.length === 0}
                  onClick={() => { void attempt(() => exportAnswer(answer.purpose, answer.question, format)); }}
                >
                  {format.toUpperCase()}
                </button>
              ))}
            </header>
            <ol>
              {answer.sightings.map((one) => (
                <FoundCard key={keyOf(one)} found={one} purpose={answer.purpose} onPoint={setPointed} onRoute={draw} />
              ))}
            </ol>
            {answer.last.next !== null ? (
              <p className="list-end">
                <button type="button" disabled={isBusy} onClick={() => { goOn(answer); }}>
                  {answer.last.sightings.length === 0 ? words.goOn : words.more}
                </button>
              </p>
            ) : (
              <p className="list-end">{answer.sightings.length === 0 ? words.none : words.end}</p>
            )}
          </>
        )}
      </section>
      <aside className="where">
        <RegionMap
          cameras={cameras}
          chosen={new Set(draft.cameras)}
          onChoose={choose}
          area={draft.area}
          onArea={(area) => { change({ area }); }}
          found={found}
          pointed={pointed}
          route={route}
        />
        {route !== null && (
          <div className="route-told" role="status">
            <p>
              <strong>{words.route}</strong>: {count(stopsOf(route).length, words.stops)}, {number(Math.round(route.distance_m / 100) / 10)} {words.km}
              {route.is_whole ? "" : ` · ${words.routeCut}`}
            </p>
            {route.implausible > 0 && <p className="route-implausible">{count(route.implausible, words.implausible)}</p>}
            <p>
              <button type="button" onClick={() => { save(new Blob([JSON.stringify(route)], { type: "application/geo+json" }), "route.geojson"); }}>
                GeoJSON
              </button>{" "}
              <button type="button" onClick={() => { setRoute(null); }}>{words.routeHide}</button>
            </p>
          </div>
        )}
      </aside>
    </main>
  );
}
