import { expect, it } from 'vitest';

import { ElectionLife } from './election-life.ts';

const LIVES = Number(process.env['QUORATE_ETCD_LIVES'] ?? 60);

it(`in ${LIVES} lives amid all faults no two grants are valid at one time, and one leads again`, async () => {
  let grants = 0;
  let deeds = 0;
  for (let life = 1; life <= LIVES; life += 1) {
    const seed = `etcd-${life}`;
    const result = await new ElectionLife(seed).run().catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    });
    grants += result.grants;
    deeds += result.deeds;
  }
  // Lives in which nothing happens show nothing.
  expect(grants).toBeGreaterThan(5 * LIVES);
  expect(deeds).toBeGreaterThan(20 * LIVES);
}, 60_000 + 500 * LIVES);
