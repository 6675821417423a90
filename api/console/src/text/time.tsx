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
  const { locale } = useLanguage();
  return useMemo(() => {
    const hms = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
    const time = new Intl.DateTimeFormat(locale, hms);
    const dayAndTime = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", ...hms });
    const full = new Intl.DateTimeFormat(locale, {
      day: "numeric", month: "long", year: "numeric", ...hms, timeZoneName: "shortOffset",
    });
    const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });
    const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
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
        const seconds = Math.min(0, Math.round((at - now) / 1000));
        if (seconds > -60) return relative.format(seconds, "second");
        if (seconds > -3600) return relative.format(Math.trunc(seconds / 60), "minute");
        if (seconds > -86_400) return relative.format(Math.trunc(seconds / 3600), "hour");
        return relative.format(Math.trunc(seconds / 86_400), "day");
      },
      zone: [timeZone.replaceAll("_", " "), offset?.value].filter(Boolean).join(" · "),
    };
  }, [locale]);
}

export function Ago({ at }: { at: number }): ReactElement {
  const now = useNow(1000);
  const clock = useClock();
  return <span className="ago">{clock.ago(at, now)}</span>;
}
