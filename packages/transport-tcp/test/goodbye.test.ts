import { isClusterError } from '@quorate/core';
import { expect, it } from 'vitest';

import { bytes, connectedPair } from './harness.ts';

const KIND = 1024;
const REQUESTS = 500;

it('what a peer had not taken when it said goodbye certainly was not done; what it had taken may have been', async () => {
  for (const takenAtGoodbye of [0, 1, 7, 300]) {
    await using pair = await connectedPair();
    const { a, b } = pair;
    let taken = 0;
    const disposed = Promise.withResolvers<void>();
    const dispose = () => void b[Symbol.asyncDispose]().then(disposed.resolve);
    b.transport.onRequest(KIND, () => {
      taken += 1;
      if (taken === takenAtGoodbye) dispose();
      return new Promise(() => undefined);
    });
    const told = Array.from({ length: REQUESTS }, () =>
      a.transport.request('b', KIND, bytes('x')).then(
        () => 'answered',
        (error: unknown) => (isClusterError(error) ? `${error.code} ${error.outcome}` : String(error)),
      ),
    );
    if (takenAtGoodbye === 0) dispose();
    const outcomes = await Promise.all(told);
    await disposed.promise;
    const unknown = outcomes.filter((outcome) => outcome === 'DISCONNECTED unknown').length;
    const never = outcomes.filter((outcome) => outcome === 'DISCONNECTED not-applied').length;
    expect([takenAtGoodbye, unknown, never]).toEqual([takenAtGoodbye, taken, REQUESTS - taken]);
    expect(taken).toBeLessThan(REQUESTS);
  }
});
