import { type FailureDetectorFactory, fixedMisses, phiAccrual } from '../../src/index.ts';
import { type ArrivalTrace, recorded, synthetic } from './arrival-trace.ts';
import { judge } from './judge.ts';

export const detectors: Readonly<Record<string, FailureDetectorFactory>> = {
  '3 misses': fixedMisses({ intervalMs: 100, missThreshold: 3 }),
  '5 misses': fixedMisses({ intervalMs: 100, missThreshold: 5 }),
  'phi 8, pause 0': phiAccrual({ firstEstimateMs: 100, acceptablePauseMs: 0 }),
  'phi 8, pause 200': phiAccrual({ firstEstimateMs: 100 }),
};

export const traces: readonly ArrivalTrace[] = [
  ...synthetic(),
  recorded('*recorded:* nothing but the load of the machine', 'loopback-none.json'),
  recorded('*recorded:* computations of up to 60, some of 700 ms', 'loopback-block.json'),
  recorded('*recorded:* a heap of a gigabyte is collected', 'loopback-allocate.json'),
  recorded('*recorded:* SIGSTOP for up to 1,500 ms every 20 s', 'loopback-stop.json'),
];

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The table of the README. */
export function table(): string {
  const names = Object.keys(detectors);
  const lines = traces.map((trace) => {
    const cells = Object.values(detectors).map((factory) => {
      const { falsePositives, detectionMs } = judge(factory, trace);
      return `${falsePositives} / ${detectionMs.toLocaleString('en')}`;
    });
    return row([trace.name, String(trace.arrivals.length), ...cells]);
  });
  return [row(['arrivals', 'heartbeats', ...names]), row(['---', ...names.map(() => '---:'), '---:']), ...lines].join(
    '\n',
  );
}
