import type { Output } from '../output.ts';
import type { Measured } from './measured.ts';

export interface Verdict {
  readonly fitness: 'fit' | 'slow' | 'unfit';
  readonly why: string;
}

/** With so many times what was measured within an election time, a node that is slow for once is not taken for gone. */
const AMPLE = 10;

/** What the 99th percentile means for nodes with the default timings. */
export function verdictOf(p99Ms: number, electionMs: number, what: string): Verdict {
  const why = `1 % take ${p99Ms} ms or more for ${what}, and elections begin after ${electionMs} ms by default`;
  if (p99Ms * AMPLE <= electionMs) return { fitness: 'fit', why };
  const advice = 'give longer timings (profile "wan", or timings.electionMs)';
  if (p99Ms * 2 <= electionMs) return { fitness: 'slow', why: `${why}: ${advice}` };
  return { fitness: 'unfit', why: `${why}: leaders would change without need; ${advice}, or choose another` };
}

export function showVerdict({ fitness, why }: Verdict, output: Output): void {
  const style = ({ fit: 'green', slow: 'yellow', unfit: 'red' } as const)[fitness];
  output.line(`${output.styled(style, fitness)}: ${why}`);
}

export function showMeasured(rows: readonly (Measured & { readonly name: string })[], output: Output): void {
  output.table(
    [
      { name: 'what', of: ({ name }) => name },
      { name: 'times', of: ({ count }) => count },
      { name: 'p50 ms', of: ({ p50Ms }) => p50Ms },
      { name: 'p95 ms', of: ({ p95Ms }) => p95Ms },
      { name: 'p99 ms', of: ({ p99Ms }) => p99Ms },
      { name: 'max ms', of: ({ maxMs }) => maxMs },
    ],
    rows,
  );
}
