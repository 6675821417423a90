// Colours by category: hue says what kind, never alone (the word stands beside it).
const TONES: Record<string, string> = {
  stolen: "red",
  stolen_plates: "orange",
  hit_and_run: "magenta",
  wanted_person: "violet",
  missing_person: "cyan",
  endangered_person: "cyan",
  uninsured: "olive",
  unregistered: "olive",
};

export const toneOf = (category: string): string =>
  `tone-${Object.hasOwn(TONES, category) ? (TONES[category] ?? "grey") : "grey"}`;
