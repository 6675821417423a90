import type { Position } from "./records";

/** The part of the map that is shown, in its own units: x grows east, y grows south. */
export interface View {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A degree of latitude is 1000 units; degrees of longitude are as wide as they are in the middle of the region. */
export class Projection {
  private readonly shrink: number;

  constructor(positions: readonly Position[]) {
    const latitudes = positions.map(([, latitude]) => latitude);
    const middle = latitudes.length === 0 ? 0 : (Math.min(...latitudes) + Math.max(...latitudes)) / 2;
    this.shrink = Math.max(0.05, Math.cos((middle * Math.PI) / 180));
  }

  point([longitude, latitude]: Position): [number, number] {
    return [1000 * longitude * this.shrink, -1000 * latitude];
  }

  position(x: number, y: number): Position {
    return [x / 1000 / this.shrink, -y / 1000];
  }

  /** A view of all positions with some room around, never nearer than half a kilometre. */
  fit(positions: readonly Position[]): View {
    const points = positions.map((one) => this.point(one));
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const [left, right] = points.length === 0 ? [0, 0] : [Math.min(...xs), Math.max(...xs)];
    const [top, bottom] = points.length === 0 ? [0, 0] : [Math.min(...ys), Math.max(...ys)];
    const side = Math.max(right - left, bottom - top, 4.5) * 1.25;
    return { x: (left + right - side) / 2, y: (top + bottom - side) / 2, width: side, height: side };
  }
}

export const zoomed = (view: View, by: number, x = view.x + view.width / 2, y = view.y + view.height / 2): View => ({
  x: x - (x - view.x) * by,
  y: y - (y - view.y) * by,
  width: view.width * by,
  height: view.height * by,
});

/** Length of a round scale bar, at most a third of the view: metres, and units of the map. */
export function scaleBar(view: View): { metres: number; units: number } {
  const most = (view.width / 3) * 111.195;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = ([5, 2, 1].find((n) => n * power <= most) ?? 1) * power;
  return { metres, units: metres / 111.195 };
}

export interface Label {
  x: number;
  y: number;
  anchor: "start" | "middle" | "end";
}

/** Where names stand by their points, above, below or beside them, none over another; null where there is no room. */
export function labelled(points: readonly { x: number; y: number; name: string }[], unit: number): (Label | null)[] {
  const size = 2.6 * unit;
  const taken: [number, number, number, number][] = points.map(({ x, y }) => [x - unit, y - unit, x + unit, y + unit]);
  return points.map(({ x, y, name }) => {
    const width = 0.56 * size * name.length;
    const places: Label[] = [
      { x, y: y - 2.2 * unit, anchor: "middle" },
      { x, y: y + 4.2 * unit, anchor: "middle" },
      { x: x + 2.4 * unit, y: y + 0.9 * unit, anchor: "start" },
      { x: x - 2.4 * unit, y: y + 0.9 * unit, anchor: "end" },
    ];
    for (const place of places) {
      const left = place.x - (place.anchor === "middle" ? width / 2 : place.anchor === "end" ? width : 0);
      const [top, right, bottom] = [place.y - 0.8 * size, left + width, place.y + 0.25 * size];
      if (taken.every(([l, t, r, b]) => right < l || left > r || bottom < t || top > b)) {
        taken.push([left, top, right, bottom]);
        return place;
      }
    }
    return null;
  });
}
