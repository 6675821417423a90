import { createContext, useContext } from "react";

import { en, type Text } from "./en";
import { kk } from "./kk";
import type { Plural } from "./plural";
import { ru } from "./ru";

export const LANGUAGES = { kk, ru, en } as const;
export type Code = keyof typeof LANGUAGES;
export const SHORT: Record<Code, string> = { kk: "ҚАЗ", ru: "РУС", en: "ENG" };

const REMEMBERED = "beket.language";
const IN_FIGURES = "ru-KZ";
const DEFAULT_LOCALE: Record<Code, string> = { kk: "kk-KZ", ru: "ru-KZ", en: "en-GB" };

const isCode = (code: string | null): code is Code => code !== null && Object.hasOwn(LANGUAGES, code);

/** The language chosen last, else the first of the browser's that we have, else Kazakh. */
export function preferredLanguage(): Code {
  const remembered = localStorage.getItem(REMEMBERED);
  if (isCode(remembered)) return remembered;
  const offered = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return offered.find(isCode) ?? "kk";
}

export const rememberLanguage = (code: Code): void => { localStorage.setItem(REMEMBERED, code); };

/**
 * The operator's own locale where it is of the chosen language (en-US, ru-RU), so dates look as they are used to.
 * Browsers may claim Kazakh and not know its months (Chromium: "M11"): dates are then in figures, as they are written.
 */
export const localeOf = (code: Code): string => {
  const own = navigator.languages.find((tag) => tag.toLowerCase().startsWith(`${code}-`)) ?? DEFAULT_LOCALE[code];
  const month = new Intl.DateTimeFormat(own, { month: "long" }).format();
  return code === "kk" && !/^\p{Script=Cyrillic}/u.test(month) ? IN_FIGURES : own;
};

export interface Language {
  code: Code;
  locale: string;
  text: Text;
  /** The browser has no words of this language: months are written in figures. */
  isInFigures: boolean;
  count: (n: number, forms: Plural) => string;
  number: (n: number, options?: Intl.NumberFormatOptions) => string;
}

export function languageOf(code: Code): Language {
  const locale = localeOf(code);
  const rules = new Intl.PluralRules(code);
  const number = (n: number, options?: Intl.NumberFormatOptions): string =>
    new Intl.NumberFormat(locale, options).format(n);
  return {
    code,
    locale,
    text: LANGUAGES[code],
    isInFigures: !locale.startsWith(code),
    number,
    count: (n, forms) => (forms[rules.select(n)] ?? forms.other).replace("{n}", number(n)),
  };
}

export const LanguageContext = createContext<Language>(languageOf("en"));
export const useLanguage = (): Language => useContext(LanguageContext);

/** A word for a code of the API: translated where we know it, else the code made readable. */
export const wordFor = (words: Record<string, string>, code: string): string =>
  Object.hasOwn(words, code) ? (words[code] ?? code) : code.replaceAll(/[_-]+/g, " ");
