import { useMemo, useRef, useState, type PointerEvent, type ReactElement, type WheelEvent } from "react";

import type { CameraStatus } from "../feed/records";
import { useLanguage } from "../text/language";
import { labelled, Projection, scaleBar, zoomed, type View } from "./projection";
import { stopsOf, wayOf, type Position, type Route } from "./records";

interface Props {
  cameras: readonly CameraStatus[];
  /** Ids of cameras that are searched. */
  chosen: ReadonlySet<string>;
  onChoose: (cameraId: string) => void;
  area: Position[];
  onArea: (corners: Position[]) => void;
  /** Cameras of the answer, and the one whose sighting is pointed at. */
  found: ReadonlySet<string>;
  pointed: string | null;
  route: Route | null;
}

/** Share of the view within which a click is on the first corner. */
const CLOSE = 0.03;
/** With more cameras than this, names are told when they are pointed at. */
const MOST_NAMED = 60;

/** The region's cameras on a plain map: nothing is fetched from anywhere. */
export function RegionMap({ cameras, chosen, onChoose, area, onArea, found, pointed, route }: Props): ReactElement {
  const { text, number } = useLanguage();
  const placed = useMemo(
    () =>
      cameras.flatMap((camera) =>
        camera.longitude == null || camera.latitude == null
          ? []
          : [{ camera, at: [camera.longitude, camera.latitude] as Position }],
      ),
    [cameras],
  );
  const projection = useMemo(() => new Projection(placed.map(({ at }) => at)), [placed]);
  const whole = useMemo(() => projection.fit(placed.map(({ at }) => at)), [projection, placed]);
  const [moved, setMoved] = useState<View | null>(null);
  const [corners, setCorners] = useState<Position[] | null>(null);
  const drag = useRef<{ x: number; y: number; view: View } | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const view = moved ?? whole;
  const unit = view.width / 100;
  const bar = scaleBar(view);
  const labels = useMemo(() => {
    const points = placed.map(({ camera, at }) => {
      const [x, y] = projection.point(at);
      return { x, y, name: camera.name };
    });
    return points.length <= MOST_NAMED ? labelled(points, unit) : [];
  }, [placed, projection, unit]);

  const pointAt = (event: { clientX: number; clientY: number }): [number, number] => {
    const matrix = svg.current?.getScreenCTM();
    if (!matrix) return [0, 0];
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return [x, y];
  };
  const finish = (drawn: Position[]): void => {
    setCorners(null);
    if (drawn.length >= 3) onArea(drawn);
  };
  const press = (event: PointerEvent<SVGSVGElement>): void => {
    if (corners !== null || (event.target as Element).closest(".map-camera")) return;
    const [x, y] = pointAt(event);
    drag.current = { x, y, view };
    svg.current?.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent<SVGSVGElement>): void => {
    const from = drag.current;
    if (from === null) return;
    const [x, y] = pointAt(event);
    setMoved({ ...view, x: view.x + from.x - x, y: view.y + from.y - y });
  };
  const click = (event: PointerEvent<SVGSVGElement>): void => {
    drag.current = null;
    if (corners === null) return;
    const [x, y] = pointAt(event);
    const first = corners[0];
    const [x0, y0] = first === undefined ? [NaN, NaN] : projection.point(first);
    if (corners.length >= 3 && Math.hypot(x - x0, y - y0) < CLOSE * view.width) finish(corners);
    else setCorners([...corners, projection.position(x, y)]);
  };
  const wheel = (event: WheelEvent): void => {
    const [x, y] = pointAt(event);
    setMoved(zoomed(view, event.deltaY > 0 ? 1.2 : 1 / 1.2, x, y));
  };
  const outline = (positions: readonly Position[]): string =>
    positions.map((one) => projection.point(one).map((n) => n.toFixed(4)).join(",")).join(" ");

  return (
    <figure className="map">
      <figcaption>
        {text.search.map}
        <span className="bar-space" />
        {corners === null ? (
          <button type="button" onClick={() => { setCorners([]); onArea([]); }}>{text.search.draw}</button>
        ) : (
          <button type="button" onClick={() => { finish(corners); }}>{text.search.drawn}</button>
        )}
        {area.length > 0 && <button type="button" onClick={() => { onArea([]); }}>{text.search.clear}</button>}
        <button type="button" aria-label={text.search.nearer} onClick={() => { setMoved(zoomed(view, 1 / 1.5)); }}>+</button>
        <button type="button" aria-label={text.search.farther} onClick={() => { setMoved(zoomed(view, 1.5)); }}>−</button>
        <button type="button" onClick={() => { setMoved(null); }}>{text.search.whole}</button>
      </figcaption>
      <svg
        ref={svg}
        className={corners === null ? "" : "map-drawing"}
        viewBox={`${view.x} ${view.y} ${view.width} ${view.height}`}
        role="group"
        aria-label={text.search.map}
        onPointerDown={press}
        onPointerMove={move}
        onPointerUp={click}
        onWheel={wheel}
      >
        <Graticule view={view} />
        {area.length > 0 && <polygon className="map-area" points={outline(area)} />}
        {corners !== null && corners.length > 0 && (
          <>
            <polyline className="map-corners" points={outline(corners)} />
            {corners.map((corner, n) => {
              const [x, y] = projection.point(corner);
              return <circle key={n} className="map-corner" cx={x} cy={y} r={n === 0 ? 1.3 * unit : 0.7 * unit} />;
            })}
          </>
        )}
        {placed.map(({ camera, at }, n) => {
          const label = labels[n];
          const [x, y] = projection.point(at);
          const state = [
            chosen.has(camera.camera_id) ? "map-chosen" : "",
            found.has(camera.camera_id) ? "map-found" : "",
            pointed === camera.camera_id ? "map-pointed" : "",
          ].join(" ");
          return (
            <g
              key={camera.camera_id}
              className={`map-camera ${state}`}
              role="button"
              tabIndex={0}
              aria-pressed={chosen.has(camera.camera_id)}
              aria-label={camera.name}
              onClick={() => { if (corners === null) onChoose(camera.camera_id); }}
              onKeyDown={(event) => { if (event.key === "Enter" || event.key === " ") onChoose(camera.camera_id); }}
            >
              <circle cx={x} cy={y} r={(pointed === camera.camera_id ? 1.8 : 1.1) * unit} />
              <title>{[camera.name, camera.place].filter(Boolean).join(" · ")}</title>
              {label != null && <text x={label.x} y={label.y} textAnchor={label.anchor} fontSize={2.6 * unit}>{camera.name}</text>}
            </g>
          );
        })}
        {route !== null && <Way route={route} projection={projection} unit={unit} />}
        <g className="map-scale">
          <path d={`M${view.x + 3 * unit} ${view.y + view.height - 3 * unit}h${bar.units}`} />
          <text x={view.x + 3 * unit} y={view.y + view.height - 4.4 * unit} fontSize={2.6 * unit}>
            {bar.metres >= 1000 ? `${number(bar.metres / 1000)} ${text.search.km}` : `${number(bar.metres)} ${text.search.m}`}
          </text>
        </g>
      </svg>
      {corners !== null && <p className="map-hint">{text.search.drawing}</p>}
      {placed.length === 0 && <p className="map-hint">{text.search.noPlaces}</p>}
    </figure>
  );
}

function Graticule({ view }: { view: View }): ReactElement {
  const { units } = scaleBar(view);
  // the element is seldom square, so that more than the view is seen
  const [left, top, width, height] = [view.x - view.width, view.y - view.height, 3 * view.width, 3 * view.height];
  const lines: string[] = [];
  for (let n = Math.ceil(left / units); n * units < left + width; n++) lines.push(`M${n * units} ${top}v${height}`);
  for (let n = Math.ceil(top / units); n * units < top + height; n++) lines.push(`M${left} ${n * units}h${width}`);
  return <path className="map-grid" d={lines.join("")} />;
}

function Way({ route, projection, unit }: { route: Route; projection: Projection; unit: number }): ReactElement {
  const way = wayOf(route).map((one) => projection.point(one));
  // several stops at one camera are told at one place
  const numbers = new Map<string, { x: number; y: number; stops: number[]; isPlausible: boolean }>();
  for (const { geometry, properties } of stopsOf(route)) {
    if (geometry === null) continue;
    const [x, y] = projection.point(geometry.coordinates);
    const there = numbers.get(`${x} ${y}`) ?? { x, y, stops: [], isPlausible: true };
    there.stops.push(properties.stop);
    there.isPlausible &&= properties.leg?.is_plausible !== false;
    numbers.set(`${x} ${y}`, there);
  }
  return (
    <g className="map-route">
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto">
          <path d="M0 0L8 4L0 8z" />
        </marker>
      </defs>
      {way.slice(1).map(([x, y], n) => {
        const [x0, y0] = way[n] ?? [x, y];
        const short = Math.min(0.5, (2.2 * unit) / Math.max(Math.hypot(x - x0, y - y0), 1e-9));
        return <path key={n} d={`M${x0} ${y0}L${x + (x0 - x) * short} ${y + (y0 - y) * short}`} markerEnd="url(#arrow)" />;
      })}
      {[...numbers.values()].map(({ x, y, stops, isPlausible }) => (
        <g key={`${x} ${y}`} className={isPlausible ? "" : "map-implausible"}>
          <circle cx={x} cy={y} r={2.1 * unit} />
          <text x={x} y={y + 0.9 * unit} fontSize={(stops.length > 1 ? 1.9 : 2.6) * unit}>
            {stops.length > 2 ? `${stops[0]}…${stops.at(-1)}` : stops.join(",")}
          </text>
        </g>
      ))}
    </g>
  );
}
