const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const FINE = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Thousands apart. */
export const count = (value: number): string => WHOLE.format(value);

export function milliseconds(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value >= 1000) return `${FINE.format(value / 1000)} s`;
  return `${value < 10 ? FINE.format(value) : WHOLE.format(value)} ms`;
}

export const percent = (share: number): string => `${WHOLE.format(share * 100)} %`;

export const clock = (at: string): string => CLOCK.format(new Date(at));

/** `1 message`, `2 messages`. */
export const plural = (value: number, one: string, more: string = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : more}`;
