const SECOND_MS = 1000;
/** By how much the wall clock may lag behind what was written last without being believed to have been set. */
const LAG_MS = 60_000;
const MICRO_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/u;
/** The end of the year 9999: what an API server takes. */
const LAST_MS = 253_402_300_799_000;

/** A `MicroTime` of the API, as client-go writes it. */
export function microTime(wallMs: number, micros = 0): string {
  const known = Number.isFinite(wallMs) ? Math.min(Math.max(Math.floor(wallMs), 0), LAST_MS) : 0;
  // oxlint-disable-next-line no-restricted-globals -- the calendar only: the time was handed in
  const text = new Date(known).toISOString();
  return `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/**
 * The `renewTime` of a write after another one. Nobody compares it with a clock; that it differs is the sign of life that
 * others see. client-go compares whole seconds: once one has passed they differ too, even where the wall clock stands
 * still or was put back.
 * @param sinceMs for how long the second of the other write has been written, by the monotonic clock
 */
export function nextMicroTime(previous: string | undefined, wallMs: number, sinceMs: number): string {
  const [, second = '', fraction = ''] = MICRO_TIME.exec(previous ?? '') ?? [];
  // oxlint-disable-next-line no-restricted-globals -- the calendar only
  const secondMs = second === '' ? Number.NaN : Date.parse(`${second}Z`);
  const isLater = wallMs >= secondMs + SECOND_MS || wallMs < secondMs - LAG_MS;
  if (Number.isNaN(secondMs) || isLater) return microTime(wallMs);
  if (sinceMs >= SECOND_MS) return microTime(secondMs + SECOND_MS);
  const lastMicros = secondMs * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
  const micros = Math.max(lastMicros + 1, Math.floor(wallMs) * 1000);
  return microTime(Math.floor(micros / 1000), micros % 1000);
}
