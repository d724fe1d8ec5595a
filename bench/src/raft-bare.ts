import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { Load } from './closed-loop.ts';
import type { RaftSystem } from './raft-system.ts';
import type { Scratch } from './scratch.ts';

const PROGRAM =
  process.env['QUORATE_BARE_PIPELINE'] ??
  fileURLToPath(new URL('../../../shared/bench/bare-pipeline.mjs', import.meta.url));
/** It warms up for itself and measures for 4 s each, whatever the plan says. */
const LINE = /^(\d+) (\d+) \/s p50us (\d+) p99 (\d+)$/u;

/** The limit: the same bytes written, synced and acknowledged on three processes, without consensus. */
export const bareSystem: RaftSystem = {
  name: 'bare',
  unavailable: () =>
    existsSync(PROGRAM) ? undefined : `there is no ${PROGRAM}: name the program in QUORATE_BARE_PIPELINE`,
  measure,
};

async function measure(scratch: Scratch): Promise<ReadonlyMap<number, Load>> {
  const child = scratch.run(process.execPath, [PROGRAM], { BARE_DIR: scratch.folder('bare') });
  const exited = once(child, 'exit');
  child.stderr?.pipe(process.stderr, { end: false });
  const loads = new Map<number, Load>();
  if (child.stdout === null) throw new Error('its output is piped');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, concurrency, perSecond, p50, p99] = LINE.exec(line)?.map(Number) ?? [];
    if (concurrency === undefined || perSecond === undefined || p50 === undefined || p99 === undefined)
      throw new Error(`the bare pipeline prints other lines than these: ${line}`);
    loads.set(concurrency, { perSecond, p50: p50 / 1000, p99: p99 / 1000 });
  }
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`the bare pipeline ended with code ${code}; it needs the ports 7501 and 7502`);
  return loads;
}
