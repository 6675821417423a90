import { useEffect, useMemo, useState, type ReactElement } from "react";

import { useLanguage } from "./language";

/** The present, told anew every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => { setNow(Date.now()); }, everyMs);
    return () => { clearInterval(timer); };
  }, [everyMs]);
  return now;
}

export interface Clock {
  time: (at: number) => string;
  /** Time, with the day before it unless it is today. */
  moment: (at: number) => string;
  full: (at: number) => string;
  day: (at: number) => string;
  ago: (at: number, now: number) => string;
  zone: string;
}

export function useClock(): Clock {
  const { locale, text, isInFigures } = useLanguage();
  return useMemo(() => {
    const hms = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
    const month = isInFigures ? "2-digit" : "long";
    const time = new Intl.DateTimeFormat(locale, hms);
    const dayAndTime = new Intl.DateTimeFormat(locale, { day: "numeric", month: isInFigures ? "2-digit" : "short", ...hms });
    const full = new Intl.DateTimeFormat(locale, {
      day: "numeric", month, year: "numeric", ...hms, timeZoneName: "shortOffset",
    });
    const day = new Intl.DateTimeFormat(locale, { day: "numeric", month, year: "numeric" });
    const { timeZone } = time.resolvedOptions();
    const offset = new Intl.DateTimeFormat("en", { timeZoneName: "shortOffset" })
      .formatToParts(new Date())
      .find((part) => part.type === "timeZoneName");
    return {
      time: (at) => time.format(at),
      moment: (at) =>
        new Date(at).toDateString() === new Date().toDateString() ? time.format(at) : dayAndTime.format(at),
      full: (at) => full.format(at),
      day: (at) => day.format(at),
      ago: (at, now) => {
        const seconds = Math.max(0, Math.round((now - at) / 1000));
        if (seconds < 2) return text.ago.now;
        if (seconds < 60) return text.ago.seconds(seconds);
        if (seconds < 3600) return text.ago.minutes(Math.trunc(seconds / 60));
        if (seconds < 86_400) return text.ago.hours(Math.trunc(seconds / 3600));
        return text.ago.days(Math.trunc(seconds / 86_400));
      },
      zone: [timeZone.replaceAll("_", " "), offset?.value].filter(Boolean).join(" · "),
    };
  }, [locale, text, isInFigures]);
}

export function Ago({ at }: { at: number }): ReactElement {
  const now = useNow(1000);
  const clock = useClock();
  return <span className="ago">{clock.ago(at, now)}</span>;
}
