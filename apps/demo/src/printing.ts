import { styleText } from 'node:util';
import { machineNow } from './report.ts';
import type { Measure, ScriptOutput } from './stage.ts';

const TIME_WIDTH = 9;
const TOOK_WIDTH = 11;

/** One line an event: when, since the start; how long it took, where that was measured; what. */
export function consoleOutput(stream: { write(text: string): unknown }): ScriptOutput {
  const beganAt = machineNow();
  return {
    step: (title) => void stream.write(`\n${styleText('bold', title)}\n`),
    event: (text, tookMs) => {
      const when = `${((machineNow() - beganAt) / 1000).toFixed(3)} s`.padStart(TIME_WIDTH);
      const took = (tookMs === undefined ? '' : formatMs(tookMs)).padStart(TOOK_WIDTH);
      stream.write(`${styleText('dim', when)}  ${styleText('cyan', took)}  ${text}\n`);
    },
  };
}

export function printSummary(measures: readonly Measure[]): void {
  console.log(`\n${styleText('green', 'All was as it should be.')}`);
  for (const { what, ms } of measures) console.log(`${formatMs(ms).padStart(TIME_WIDTH + TOOK_WIDTH + 2)}  ${what}`);
}

function formatMs(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}
