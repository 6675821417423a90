import type { ReactElement } from "react";

import { partsOf } from "./align";

interface Props {
  plate: string;
  country: string | null;
  size: "small" | "large";
}

/** A plate drawn as a plate. */
export function Plate({ plate, country, size }: Props): ReactElement {
  const { main, region } = partsOf(plate);
  return (
    <span className={`plate plate-${size}`} role="img" aria-label={plate}>
      {country !== null && <span className="plate-country" aria-hidden="true">{country.toUpperCase()}</span>}
      <span className="plate-main" aria-hidden="true">{main}</span>
      {region !== null && <span className="plate-region" aria-hidden="true">{region}</span>}
    </span>
  );
}
