import type { ReactElement } from "react";

import type { HitKind } from "../feed/records";
import { useLanguage } from "../text/language";

export function KindBadge({ kind }: { kind: HitKind }): ReactElement {
  const { text } = useLanguage();
  return (
    <span className={`kind kind-${kind}`} title={text.kindMeaning[kind]}>
      <span aria-hidden="true">{kind === "exact" ? "=" : "≈"}</span> {text.kind[kind]}
    </span>
  );
}
