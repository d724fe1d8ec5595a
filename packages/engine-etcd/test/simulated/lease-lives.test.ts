import { expect, it } from 'vitest';

import { LeaseLife } from './lease-life.ts';

const LIVES = Number(process.env['QUORATE_ETCD_LIVES'] ?? 10);

it(
  `in ${LIVES} lives amid all faults no two grants are valid that keep each other out, and one leads again`,
  async () => {
    let grants = 0;
    let deeds = 0;
    let locks = 0;
    for (let life = 1; life <= LIVES; life += 1) {
      const seed = `etcd-${life}`;
      const result = await new LeaseLife(seed).run().catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      });
      grants += result.grants;
      deeds += result.deeds;
      locks += result.locks;
    }
    // Lives in which nothing happens show nothing.
    expect(grants).toBeGreaterThan(5 * LIVES);
    expect(locks).toBeGreaterThan(50 * LIVES);
    expect(deeds).toBeGreaterThan(20 * LIVES);
  },
  60_000 + 2_000 * LIVES,
);
