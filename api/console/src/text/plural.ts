/** A text that depends on a number: one form for each plural rule of the language (Unicode CLDR). */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
