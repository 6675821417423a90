import { useMemo, type ReactElement } from "react";

import { useLanguage } from "../text/language";
import { align } from "./align";

interface Props {
  text: string;
  characters: readonly number[];
  plate: string;
}

const levelOf = (confidence: number): string =>
  confidence >= 0.95 ? "sure" : confidence >= 0.7 ? "unsure" : "doubtful";

/** The raw reading, character by character with its confidence, above the matched entry; what differs is marked. */
export function Reading({ text: read, characters, plate }: Props): ReactElement {
  const { text, number, count } = useLanguage();
  const columns = useMemo(() => align(read, characters, plate), [read, characters, plate]);
  const differences = columns.filter((column) => column.differs).length;
  return (
    <div className="reading">
      <table>
        <tbody>
          <tr className="reading-read">
            <th scope="row">{text.reading.read}</th>
            {columns.map(({ read: character, differs }, n) => (
              <td key={n} className={differs ? "differs" : undefined} title={differs ? text.reading.differs : undefined}>
                {character ?? <span aria-label={text.reading.missing}>∅</span>}
              </td>
            ))}
          </tr>
          <tr className="reading-confidence">
            <th scope="row">{text.reading.confidence}</th>
            {columns.map(({ confidence }, n) => (
              <td key={n}>
                {confidence !== null && (
                  <>
                    <span className="gauge" aria-hidden="true">
                      <span className={`gauge-fill ${levelOf(confidence)}`} style={{ height: `${confidence * 100}%` }} />
                    </span>
                    <span className="percent">{number(Math.floor(confidence * 100))}</span>
                  </>
                )}
              </td>
            ))}
          </tr>
          <tr className="reading-entry">
            <th scope="row">{text.reading.entry}</th>
            {columns.map(({ entry, differs }, n) => (
              <td key={n} className={differs ? "differs" : undefined}>
                {entry ?? "∅"}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
      <p className={differences > 0 ? "reading-verdict differs" : "reading-verdict"}>
        {differences > 0 ? `≠ ${count(differences, text.reading.differences)}` : `= ${text.reading.same}`}
      </p>
    </div>
  );
}
