import { useEffect, useRef, useState, type ReactElement } from "react";

import { useLanguage, wordFor } from "../text/language";
import type { LookedAt } from "./records";

export interface Photo {
  file: File;
  base64: string;
  vehicle: number;
}

interface Props {
  photo: Photo | null;
  /** What the API found in it. */
  shown: LookedAt | null;
  onPhoto: (photo: Photo | null) => void;
}

const read = (file: File): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => { resolve((typeof reader.result === "string" ? reader.result : "").replace(/^[^,]*,/, "")); };
    reader.onerror = () => { reject(reader.error ?? new Error(file.name)); };
    reader.readAsDataURL(file);
  });

/** Where a photo is dropped or chosen; it shows the vehicles found in it, and which of them is sought. */
export function PhotoField({ photo, shown, onPhoto }: Props): ReactElement {
  const { text } = useLanguage();
  const [isOver, setIsOver] = useState(false);
  const [isUnreadable, setIsUnreadable] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    setIsUnreadable(false);
    read(file).then(
      (base64) => { onPhoto({ file, base64, vehicle: 0 }); },
      () => { setIsUnreadable(true); },
    );
  };
  return (
    <div
      className={`photo ${isOver ? "photo-over" : ""}`}
      onDragOver={(event) => { event.preventDefault(); setIsOver(true); }}
      onDragLeave={() => { setIsOver(false); }}
      onDrop={(event) => { event.preventDefault(); setIsOver(false); take(event.dataTransfer.files[0]); }}
    >
      <input
        ref={input}
        type="file"
        accept="image/jpeg,image/png,image/webp"
        aria-label={text.search.photo}
        hidden
        onChange={(event) => { take(event.target.files?.[0]); event.target.value = ""; }}
      />
      {photo !== null && <Preview photo={photo} shown={shown} />}
      <div className="photo-buttons">
        <button type="button" onClick={() => input.current?.click()}>
          {photo === null ? text.search.photoChoose : text.search.photoOther}
        </button>
        {photo !== null && <button type="button" onClick={() => { onPhoto(null); }}>{text.search.photoRemove}</button>}
      </div>
      {isUnreadable && <p className="form-problem" role="alert">{text.picture.failed}</p>}
      {photo !== null && shown !== null && shown.vehicles.length > 1 && (
        <fieldset className="photo-vehicles">
          <legend>{text.search.photoVehicle}</legend>
          {shown.vehicles.map((one, n) => (
            <button
              key={n}
              type="button"
              aria-pressed={n === photo.vehicle}
              onClick={() => { onPhoto({ ...photo, vehicle: n }); }}
            >
              {n + 1}: {[
                one.text,
                one.vehicle_colour !== null && wordFor(text.search.colours, one.vehicle_colour),
                one.vehicle_type !== null && wordFor(text.vehicles, one.vehicle_type),
              ].filter(Boolean).join(" ")}
            </button>
          ))}
        </fieldset>
      )}
      {photo !== null && shown?.without_looks != null && <p className="form-hint">{text.search.withoutLooks}</p>}
    </div>
  );
}

/** Drawn on a canvas: the page's policy lets no picture in that does not come from the API. */
function Preview({ photo, shown }: { photo: Photo; shown: LookedAt | null }): ReactElement {
  const { text } = useLanguage();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let isGone = false;
    void createImageBitmap(photo.file).then(
      (bitmap) => {
        const context = canvas.current?.getContext("2d");
        if (isGone || !canvas.current || !context) return;
        const scale = Math.min(1, 960 / bitmap.width);
        canvas.current.width = Math.round(bitmap.width * scale);
        canvas.current.height = Math.round(bitmap.height * scale);
        context.drawImage(bitmap, 0, 0, canvas.current.width, canvas.current.height);
        shown?.vehicles.forEach(({ box, plate_box }, n) => {
          for (const one of [box, plate_box]) {
            if (one === null) continue;
            context.lineWidth = n === photo.vehicle ? 5 : 2;
            context.strokeStyle = n === photo.vehicle ? "#62d2ff" : "#aebdcb";
            context.strokeRect(...(one.map((side) => side * scale) as typeof one));
          }
        });
        bitmap.close();
      },
      () => undefined, // the API says what is wrong with it
    );
    return () => { isGone = true; };
  }, [photo, shown]);
  return <canvas ref={canvas} className="photo-preview" role="img" aria-label={`${text.search.photo}: ${photo.file.name}`} />;
}
