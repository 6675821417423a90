import { useEffect } from "react";

export type Action = "older" | "newer" | "play" | "newest" | "picture" | "search" | "keys";

// By physical key as well as by letter: J and K work in a Kazakh or Russian layout too.
const BY_CODE: Record<string, Action> = { KeyJ: "older", KeyK: "newer", KeyG: "newest", KeyP: "picture", KeyS: "search" };
const BY_KEY: Record<string, Action> = { ArrowDown: "older", ArrowUp: "newer", Home: "newest", Enter: "play", "?": "keys" };

const isBusy = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest("input, textarea, select, video, dialog") !== null;

/** Calls `act` for each of the page's keys, unless a field, the player or a dialog has the focus. */
export function useKeyboard(act: (action: Action) => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || isBusy(event.target)) return;
      const action = BY_KEY[event.key] ?? BY_CODE[event.code];
      if (action === undefined) return;
      const onControl = event.target instanceof HTMLElement && event.target.closest("button, a") !== null;
      const onShown = event.target instanceof HTMLElement && event.target.ariaCurrent === "true";
      if (action === "play" && onControl && !onShown) return; // Enter presses that button
      event.preventDefault();
      act(action);
    };
    window.addEventListener("keydown", press);
    return () => { window.removeEventListener("keydown", press); };
  }, [act]);
}
