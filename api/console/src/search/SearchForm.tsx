import type { SubmitEvent, ReactElement, ReactNode } from "react";

import { useLanguage, wordFor } from "../text/language";
import { PhotoField, type Photo } from "./PhotoField";
import type { LookedAt, Position, Purpose, Question } from "./records";

/** The form as it is filled in. */
export interface Draft {
  purpose: Purpose;
  plate: string;
  similar: boolean;
  photo: Photo | null;
  since: string;
  until: string;
  road: string;
  cameras: string[];
  area: Position[];
  types: string[];
  colours: string[];
  hitsOnly: boolean;
}

export const EMPTY: Draft = {
  purpose: { actor: "", case: "", reason: "" },
  plate: "", similar: false, photo: null, since: "", until: "", road: "", cameras: [], area: [], types: [], colours: [],
  hitsOnly: false,
};

const TYPES = ["car", "truck", "bus", "motorcycle"];
const COLOURS = ["white", "silver", "grey", "black", "red", "orange", "yellow", "green", "blue", "brown"];

const instant = (local: string): string | null => (local === "" ? null : new Date(local).toISOString());

export function questionOf(draft: Draft): Question {
  const { photo, area } = draft;
  const first = area[0];
  return {
    plate: photo === null ? draft.plate.trim() : "",
    similar: photo === null && draft.similar && draft.plate.trim() !== "",
    place: {
      cameras: draft.cameras,
      area: first === undefined ? null : { type: "Polygon", coordinates: [[...area, first]] },
      road: draft.road.trim(),
    },
    since: instant(draft.since),
    until: instant(draft.until),
    vehicle_types: draft.types,
    colours: draft.colours,
    hits_only: draft.hitsOnly,
    ...(photo === null ? {} : { photo: photo.base64, vehicle: photo.vehicle }),
  };
}

interface Props {
  draft: Draft;
  shown: LookedAt | null;
  isAsking: boolean;
  problem: string | null;
  onDraft: (change: Partial<Draft>) => void;
  onAsk: () => void;
}

export function SearchForm({ draft, shown, isAsking, problem, onDraft, onAsk }: Props): ReactElement {
  const { text, count } = useLanguage();
  const ask = (event: SubmitEvent): void => {
    event.preventDefault();
    onAsk();
  };
  const purpose = (change: Partial<Purpose>): void => { onDraft({ purpose: { ...draft.purpose, ...change } }); };
  const words = text.search;
  return (
    <form className="search-form" onSubmit={ask} aria-label={words.title}>
      <p className="form-hint">{words.logged}</p>
      <div className="form-pair">
        <Field label={words.who}>
          <input required maxLength={100} autoComplete="name" value={draft.purpose.actor} onChange={(e) => { purpose({ actor: e.target.value }); }} />
        </Field>
        <Field label={words.case}>
          <input required maxLength={100} value={draft.purpose.case} onChange={(e) => { purpose({ case: e.target.value }); }} />
        </Field>
      </div>
      <Field label={words.reason}>
        <input required maxLength={1000} value={draft.purpose.reason} onChange={(e) => { purpose({ reason: e.target.value }); }} />
      </Field>
      <hr />
      <Field label={words.plate} hint={words.plateHint}>
        <input
          className="form-plate"
          maxLength={40}
          spellCheck={false}
          autoCapitalize="characters"
          disabled={draft.photo !== null}
          value={draft.plate}
          onChange={(e) => { onDraft({ plate: e.target.value }); }}
        />
      </Field>
      <Check label={words.similar} isOn={draft.similar} onChange={(similar) => { onDraft({ similar }); }} />
      <PhotoField photo={draft.photo} shown={shown} onPhoto={(photo) => { onDraft({ photo }); }} />
      <hr />
      <div className="form-pair">
        <Field label={words.since}>
          <input type="datetime-local" value={draft.since} onChange={(e) => { onDraft({ since: e.target.value }); }} />
        </Field>
        <Field label={words.until}>
          <input type="datetime-local" value={draft.until} onChange={(e) => { onDraft({ until: e.target.value }); }} />
        </Field>
      </div>
      <Field label={words.road}>
        <input maxLength={200} value={draft.road} onChange={(e) => { onDraft({ road: e.target.value }); }} />
      </Field>
      <p className="form-hint">
        {draft.cameras.length === 0 && draft.area.length === 0 ? words.everywhere : null}
        {draft.cameras.length > 0 && (
          <button type="button" onClick={() => { onDraft({ cameras: [] }); }}>{count(draft.cameras.length, words.cameras)} ✕</button>
        )}{" "}
        {draft.area.length > 0 && <button type="button" onClick={() => { onDraft({ area: [] }); }}>{words.inArea} ✕</button>}
      </p>
      <Choices label={words.type} all={TYPES} words={text.vehicles} chosen={draft.types} onChoose={(types) => { onDraft({ types }); }} />
      <Choices label={words.colour} all={COLOURS} words={words.colours} chosen={draft.colours} onChoose={(colours) => { onDraft({ colours }); }} />
      <Check label={words.hitsOnly} isOn={draft.hitsOnly} onChange={(hitsOnly) => { onDraft({ hitsOnly }); }} />
      {problem !== null && <p className="form-problem" role="alert">{problem}</p>}
      <button type="submit" className="form-ask" disabled={isAsking}>
        {isAsking ? <><span className="spinner" aria-hidden="true" /> {words.asking}</> : words.ask}
      </button>
    </form>
  );
}

function Field({ label, hint, children }: { label: string; hint?: string; children: ReactNode }): ReactElement {
  return (
    <label className="field">
      <span>{label}{hint !== undefined && <small> {hint}</small>}</span>
      {children}
    </label>
  );
}

function Check({ label, isOn, onChange }: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }): ReactElement {
  return (
    <label className="check">
      <input type="checkbox" checked={isOn} onChange={(e) => { onChange(e.target.checked); }} /> {label}
    </label>
  );
}

interface ChoicesProps {
  label: string;
  all: readonly string[];
  words: Record<string, string>;
  chosen: string[];
  onChoose: (chosen: string[]) => void;
}

function Choices({ label, all, words, chosen, onChoose }: ChoicesProps): ReactElement {
  return (
    <fieldset className="choices">
      <legend>{label}</legend>
      {all.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={chosen.includes(one)}
          onClick={() => { onChoose(chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one]); }}
        >
          {wordFor(words, one)}
        </button>
      ))}
    </fieldset>
  );
}
