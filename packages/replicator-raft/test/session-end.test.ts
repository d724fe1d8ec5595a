import { ClusterError } from '@quorate/core';
import { createWorld } from '@quorate/simulator';
import { expect, it } from 'vitest';
import { RaftSession } from '../src/raft-session.ts';

it('a session that ends waits for no further attempt', async () => {
  const world = createWorld({ seed: 1 });
  const host = world.host('a');
  host.start(() => undefined);
  let attempts = 0;
  const session = new RaftSession<string, string>({
    id: 7,
    ttlMs: 60_000,
    clock: host.system.clock,
    defaultTimeoutMs: 5000,
    encode: (command) => new TextEncoder().encode(command),
    write: () => {
      attempts += 1;
      return Promise.reject(new ClusterError('QUORUM_LOST', 'nobody leads', { outcome: 'not-applied' }));
    },
    onClose: () => undefined,
  });
  const failure = session.replicate('x').catch((error: unknown) => error);
  await world.run(5);
  expect(attempts).toBe(1);
  session.end();
  expect(await world.settled(failure, 1)).toMatchObject({ code: 'QUORUM_LOST', outcome: 'not-applied' });
  await world.run(1000);
  expect(attempts).toBe(1);
});
