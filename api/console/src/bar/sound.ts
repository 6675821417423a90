import { useCallback, useEffect, useRef, useState } from "react";

import type { Alert } from "../feed/records";

const REMEMBERED = "beket.sound";

/** Two short tones; a probable hit sounds lower than an exact one. */
function chime(context: AudioContext, isExact: boolean): void {
  const pitch = isExact ? 880 : 587;
  for (const [n, frequency] of [pitch, pitch * 1.26].entries()) {
    const start = context.currentTime + n * 0.16;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.22, start + 0.015);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.3);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.32);
  }
}

export interface Sound {
  isOn: boolean;
  /** Switched on, but the browser plays nothing until the page is clicked once. */
  isBlocked: boolean;
  toggle: () => void;
}

/** Off until asked for; remembered. */
export function useSound(latest: Alert | null): Sound {
  const [isOn, setIsOn] = useState(() => localStorage.getItem(REMEMBERED) === "on");
  const [isBlocked, setIsBlocked] = useState(false);
  const context = useRef<AudioContext | null>(null);

  useEffect(() => {
    if (!isOn) return;
    const opened = new AudioContext();
    context.current = opened;
    const look = (): void => { setIsBlocked(opened.state === "suspended"); };
    const wake = (): void => { if (opened.state === "suspended") void opened.resume().then(look); };
    opened.addEventListener("statechange", look);
    window.addEventListener("pointerdown", wake);
    window.addEventListener("keydown", wake);
    look();
    return () => {
      opened.removeEventListener("statechange", look);
      window.removeEventListener("pointerdown", wake);
      window.removeEventListener("keydown", wake);
      context.current = null;
      void opened.close();
    };
  }, [isOn]);

  useEffect(() => {
    if (latest !== null && context.current?.state === "running") chime(context.current, latest.kind === "exact");
  }, [latest]);

  const toggle = useCallback(() => {
    setIsOn((wasOn) => {
      localStorage.setItem(REMEMBERED, wasOn ? "off" : "on");
      return !wasOn;
    });
  }, []);

  return { isOn, isBlocked: isOn && isBlocked, toggle };
}
