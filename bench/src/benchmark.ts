/** One benchmark of the registry in main.ts. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  /** Prints JSON lines. `args` is what followed the name on the command line. */
  run(args: readonly string[]): Promise<void>;
}

/** Prints one result. */
export function report(line: Readonly<Record<string, string | number>>): void {
  console.log(JSON.stringify(line));
}

/** The value below which this share of the sorted values lies. */
export function percentile(sorted: readonly number[] | Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** To three significant digits and no more: what lies beyond is noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** A number that an option gives. */
export function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a positive number, got ${text}`);
  return value;
}
