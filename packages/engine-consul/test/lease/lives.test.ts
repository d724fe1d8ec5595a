import { describe, expect, it } from 'vitest';

import { LeaseLife } from './lease-life.ts';

const LIVES = 15;

describe('whatever befalls nodes, Consul, sessions and the key', () => {
  let grants = 0;
  for (let life = 0; life < LIVES; life += 1) {
    const seed = `consul-${life}`;
    it(`two grants never hold at one time, and tokens only grow: seed ${seed}`, async () => {
      const one = new LeaseLife(seed);
      await one.run();
      grants += one.grants;
    });
  }

  it('leaves time for elections', () => expect(grants).toBeGreaterThan(5 * LIVES));
});
