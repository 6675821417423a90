import type { ReactElement } from "react";

import type { Connection } from "../feed/stream";
import { useLanguage } from "../text/language";
import { useClock } from "../text/time";

export function ConnectionMark({ connection }: { connection: Connection }): ReactElement {
  const { text } = useLanguage();
  const clock = useClock();
  const since = clock.moment(connection.since);
  const words: Record<Connection["state"], string> = {
    connecting: text.connection.connecting,
    live: text.connection.live,
    lost: text.connection.lost(since),
    behind: text.connection.behind(since),
  };
  const reason = connection.state === "behind" ? (text.connection.reasons[connection.reason ?? ""] ?? null) : null;
  return (
    <span className={`connection connection-${connection.state}`} role="status" title={reason ?? undefined}>
      <span className="connection-dot" aria-hidden="true" />
      {words[connection.state]}
    </span>
  );
}
