import { styleText } from 'node:util';
import type { Measure, ScriptOutput } from './stage.ts';

const TIME_WIDTH = 9;
const TOOK_WIDTH = 11;

/** One line an event: when, since the start; how long it took, where that was measured; what. */
export function consoleOutput(stream: { write(text: string): unknown }): ScriptOutput {
  const beganAt = performance.now();
  return {
    step: (title) => void stream.write(`\n${styleText('bold', title)}\n`),
    event: (text, tookMs) => {
      const when = `${((performance.now() - beganAt) / 1000).toFixed(3)} s`.padStart(TIME_WIDTH);
      const took = (tookMs === undefined ? '' : formatMs(tookMs)).padStart(TOOK_WIDTH);
      stream.write(`${styleText('dim', when)}  ${styleText('cyan', took)}  ${text}\n`);
    },
  };
}

/** The lines of a table: what befell the cluster, and how long clients had to wait. */
export function summaryOf(measures: readonly Measure[]): readonly string[] {
  const rows = measures.map(({ what, acceptedMs, deliveredMs }) => [
    what,
    formatMs(acceptedMs),
    deliveredMs === undefined ? '' : formatMs(deliveredMs),
  ]);
  const table = [['', 'accepted', 'delivered'], ...rows];
  const width = Math.max(...table.map(([what = '']) => what.length));
  return table.map(([what = '', ...times]) =>
    [what.padEnd(width), ...times.map((time) => time.padStart(TOOK_WIDTH))].join('  ').trimEnd(),
  );
}

function formatMs(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}
