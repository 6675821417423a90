import type { ReactElement } from "react";

import type { HealthReason } from "../feed/records";
import { useLanguage, wordFor } from "../text/language";

const GOOD = 80;
const FAIR = 50;
/** Levels of brightness and the like say nothing to an operator. */
const TOLD = ["", "px", "fps", "s", "bit/s", "share"];

/** A camera's score of 100; a dash where it is not known. */
export function Score({ score }: { score: number | null }): ReactElement {
  const { text } = useLanguage();
  if (score === null) return <span className="score score-unknown" title={text.cameras.healthUnknown}>–</span>;
  const kind = score >= GOOD ? "good" : score >= FAIR ? "fair" : "bad";
  return <span className={`score score-${kind}`} title={`${text.cameras.health}: ${score}/100`}>{score}</span>;
}

/** What is wrong, worst first, each with what it costs and what was measured against what is required. */
export function HealthReasons({ reasons }: { reasons: readonly HealthReason[] }): ReactElement | null {
  const { text, number } = useLanguage();
  if (reasons.length === 0) return null;
  const told = (value: number | string, unit: string): string => {
    if (typeof value === "string") return value;
    if (unit === "share") return number(value, { style: "percent", maximumFractionDigits: 1 });
    const shown = unit === "bit/s" ? value / 1e6 : value;
    const name = unit === "bit/s" ? "Mbit/s" : unit;
    return `${number(shown, { maximumFractionDigits: 2 })} ${wordFor(text.cameras.units, name)}`.trim();
  };
  return (
    <ul className="health-reasons">
      {reasons.map(({ code, points, measured, required, unit }) => (
        <li key={code}>
          {wordFor(text.cameras.reasons, code)} <span className="health-points">−{points}</span>
          {measured !== null && required !== null && TOLD.includes(unit) && (
            <small>{text.cameras.measuredOf(told(measured, unit), told(required, unit))}</small>
          )}
        </li>
      ))}
    </ul>
  );
}
