import { ClusterError } from '@quorate/core';
import { expect, it } from 'vitest';
import { decodeError, encodeError } from '../../src/commands/error-codec.ts';

it('names the leader as an election does, without what JSON has no form for', () => {
  const leader = { nodeId: 'c', address: 'c:7001', token: 5n };
  const error = decodeError(encodeError(new ClusterError('NOT_LEADER', 'ask c', { leader, outcome: 'not-applied' })));
  expect([error.code, error.message, error.outcome]).toEqual(['NOT_LEADER', 'ask c', 'not-applied']);
  expect(error.leader).toEqual({ nodeId: 'c', address: 'c:7001' });
});
