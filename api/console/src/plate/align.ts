/** One column of a reading set against an entry; a side that has no character there is null. */
export interface Column {
  read: string | null;
  confidence: number | null;
  entry: string | null;
  differs: boolean;
}

const SUBSTITUTE = 1;
const GAP = 1.1; // a shifted reading costs a little more than a wrong character, so equal lengths stay in step

/**
 * Sets a reading against a hotlist plate at the least number of differences.
 * In the entry `?` agrees with any character and `*` with any run of them, none included.
 */
export function align(text: string, characters: readonly number[], plate: string): Column[] {
  const read = Array.from(text);
  const entry = Array.from(plate);
  const isRun = (j: number): boolean => entry[j] === "*";
  const agree = (i: number, j: number): boolean => entry[j] === "?" || entry[j] === read[i];
  // cost[i][j]: of setting read[i:] against entry[j:]
  const cost = Array.from({ length: read.length + 1 }, () => new Array<number>(entry.length + 1).fill(0));
  const at = (i: number, j: number): number => cost[i]?.[j] ?? Infinity;
  const options = (i: number, j: number): [number, number, number][] => {
    const both = i < read.length && j < entry.length;
    const ways: [number, number, number][] = [];
    if (j < entry.length && isRun(j)) {
      ways.push([at(i, j + 1), 0, 1]);
      if (i < read.length) ways.push([at(i + 1, j), 1, 0]);
      return ways;
    }
    if (both) ways.push([at(i + 1, j + 1) + (agree(i, j) ? 0 : SUBSTITUTE), 1, 1]);
    if (i < read.length) ways.push([at(i + 1, j) + GAP, 1, 0]);
    if (j < entry.length) ways.push([at(i, j + 1) + GAP, 0, 1]);
    return ways;
  };
  const cheapest = (i: number, j: number): [number, number, number] =>
    options(i, j).reduce((best, way) => (way[0] < best[0] ? way : best), [Infinity, 0, 0]);
  for (let i = read.length; i >= 0; i--) {
    for (let j = entry.length; j >= 0; j--) {
      const row = cost[i];
      if (row && (i < read.length || j < entry.length)) row[j] = cheapest(i, j)[0];
    }
  }
  const columns: Column[] = [];
  for (let i = 0, j = 0; i < read.length || j < entry.length; ) {
    const [, down, right] = cheapest(i, j);
    const inRun = j < entry.length && isRun(j);
    if (!(inRun && right === 1)) {
      const seen = down === 1 ? (read[i] ?? null) : null;
      const listed = inRun ? "*" : right === 1 ? (entry[j] ?? null) : null;
      columns.push({
        read: seen,
        confidence: down === 1 ? (characters[i] ?? null) : null,
        entry: listed,
        differs: !inRun && (seen === null || listed === null || !agree(i, j)),
      });
    }
    i += down;
    j += right;
  }
  return columns;
}

export interface PlateParts {
  main: string;
  region: string | null;
  /** The upper line, where the plate stands in two. */
  upper: string | null;
}

/** A plate as it is grouped on the metal: `123ABC02` is `123 ABC` and region `02`; unknown shapes stay whole. */
export function partsOf(plate: string, lines: number): PlateParts {
  const since2012 = /^([0-9?]{3})([A-Z?]{2,3})([0-9?]{2})$/.exec(plate);
  if (since2012) {
    const [, digits = "", letters = "", region = ""] = since2012;
    return lines === 2 ? { upper: digits, main: letters, region } : { upper: null, main: `${digits} ${letters}`, region };
  }
  const since1993 = /^([A-Z?])([0-9?]{3})([A-Z?]{2,3})$/.exec(plate);
  return { main: since1993 ? since1993.slice(1).join(" ") : plate, region: null, upper: null };
}
