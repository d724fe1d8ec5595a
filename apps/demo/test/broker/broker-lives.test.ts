import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/broker/commands.ts';
import { BrokerLife, DESTINATIONS } from './broker-life.ts';

const LIVES = Number(process.env['QUORATE_BROKER_LIVES'] ?? 1);
const FIRST = Number(process.env['QUORATE_BROKER_SEED'] ?? 1);
const LIFE_MS = 10_000;

describe('the broker on three nodes that crash, stall and are cut off', () => {
  it(
    'delivers all that it acknowledged, and keys in order, and is the same on all nodes in the end',
    async () => {
      const sums = { published: 0, failed: 0, redelivered: 0, restores: 0 };
      for (let seed = FIRST; seed < FIRST + LIVES; seed += 1) {
        const life = new BrokerLife(seed);
        await life.begin();
        await life.live(LIFE_MS);
        await life.settle();
        expectAllDelivered(life, seed);
        expectOrder(life.known.seen.get('events:fifo') ?? [], seed);
        expect(new Set(await life.states()).size, `states, seed ${seed}`).toBe(1);
        sums.published += life.known.published.size;
        sums.failed += life.known.failed;
        sums.restores += life.restores;
        for (const { redeliveries } of life.statuses('a')) sums.redelivered += redeliveries;
      }
      // Or else nothing was tried.
      for (const [what, sum] of Object.entries(sums)) expect(sum, what).toBeGreaterThanOrEqual(LIVES);
    },
    30_000 + LIVES * 10_000,
  );
});

function expectAllDelivered({ known }: BrokerLife, seed: number): void {
  const seen = (queue: string): Set<string> => new Set(known.seen.get(queue)?.map(({ id }) => id));
  const [plain, fifo, other] = DESTINATIONS.map(seen);
  const lost = [...known.published].filter((id) =>
    id.startsWith('plain') ? plain?.has(id) !== true : fifo?.has(id) !== true || other?.has(id) !== true,
  );
  expect(lost, `acknowledged and never delivered, seed ${seed}`).toEqual([]);
}

/** Of each key: what has been handed out after another never is again before it. */
function expectOrder(deliveries: readonly Delivery[], seed: number): void {
  const last = new Map<string, number>();
  for (const { id, key = '', body } of deliveries) {
    const serial = Number(Buffer.from(body).toString());
    const before = last.get(key) ?? 0;
    expect([before, before + 1], `${id}, seed ${seed}`).toContain(serial);
    last.set(key, serial);
  }
}
