import { ClusterError, Grant } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';

describe('a grant', () => {
  it('that ends tells so by its signal, even when its owner fails to take note', () => {
    const grant = new Grant(new ManualClock(), { nodeId: 'a', token: 1n, deadline: 1000 }, () => {
      throw new Error('the log is full');
    });
    expect(() => grant.end(new ClusterError('NOT_LEADER', 'over'))).toThrow('the log is full');
    expect(grant.signal.aborted).toBe(true);
    expect(grant.isValid()).toBe(false);
  });
});
