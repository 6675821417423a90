import type { ReactElement } from "react";

import { partsOf } from "./align";

interface Props {
  plate: string;
  country: string | null;
  lines: number;
  size: "small" | "large";
}

/** A plate drawn as a plate. */
export function Plate({ plate, country, lines, size }: Props): ReactElement {
  const { upper, main, region } = partsOf(plate, lines);
  return (
    <span className={`plate plate-${size} ${upper === null ? "" : "plate-two"}`} role="img" aria-label={plate}>
      {country !== null && <span className="plate-country" aria-hidden="true">{country.toUpperCase()}</span>}
      <span className="plate-lines" aria-hidden="true">
        {upper !== null && <span className="plate-upper">{upper}</span>}
        <span className="plate-lower">
          <span className="plate-main">{main}</span>
          {region !== null && <span className="plate-region">{region}</span>}
        </span>
      </span>
    </span>
  );
}
