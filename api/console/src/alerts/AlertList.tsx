import { useEffect, useRef, type ReactElement } from "react";

import type { FeedView } from "../feed/feed";
import { useLanguage } from "../text/language";
import { AlertCard } from "./AlertCard";

interface Props {
  view: FeedView;
  chosen: string | null;
  onChoose: (alertId: string) => void;
  onOlder: () => void;
}

export function AlertList({ view, chosen, onChoose, onOlder }: Props): ReactElement {
  const { text } = useLanguage();
  const end = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const mark = end.current;
    if (mark === null || view.older !== "more") return;
    const watcher = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) onOlder();
    });
    watcher.observe(mark);
    return () => { watcher.disconnect(); };
  }, [view.older, view.alerts.length, onOlder]);

  return (
    <nav className="list" id="alerts" aria-label={text.alerts.list} tabIndex={-1}>
      <ol>
        {view.alerts.map((alert) => (
          <AlertCard
            key={alert.alert_id}
            alert={alert}
            isChosen={alert.alert_id === chosen}
            isUnseen={view.unseen.has(alert.alert_id)}
            onChoose={onChoose}
          />
        ))}
      </ol>
      <div ref={end} className="list-end">
        {view.older === "more" && <button type="button" onClick={onOlder}>{text.alerts.older}</button>}
        {view.older === "loading" && text.alerts.loadingOlder}
        {view.older === "end" && view.alerts.length > 0 && text.alerts.end}
      </div>
    </nav>
  );
}
