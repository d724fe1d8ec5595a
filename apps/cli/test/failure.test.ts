import { ClusterError, type ClusterErrorCode, type WriteOutcome } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { exitCode, toFailure } from '../src/failure.ts';

const UNKNOWN = exitCode.UNKNOWN;

describe('a change that failed ends with', () => {
  it.each<[ClusterErrorCode, WriteOutcome | undefined, number]>([
    ['TIMEOUT', 'unknown', UNKNOWN],
    ['TIMEOUT', undefined, UNKNOWN],
    ['TIMEOUT', 'not-applied', exitCode.FAILED],
    ['DISCONNECTED', 'unknown', UNKNOWN],
    ['DISCONNECTED', undefined, UNKNOWN],
    ['DISCONNECTED', 'not-applied', exitCode.UNREACHABLE],
    // Its leader was deposed, or closed, while the change was under way.
    ['NOT_LEADER', 'unknown', UNKNOWN],
    ['NOT_LEADER', 'not-applied', exitCode.NO_QUORUM],
    ['NOT_LEADER', undefined, exitCode.NO_QUORUM],
    ['CLOSED', 'unknown', UNKNOWN],
    ['CLOSED', undefined, UNKNOWN],
    ['QUORUM_LOST', 'unknown', UNKNOWN],
    ['QUORUM_LOST', 'not-applied', exitCode.NO_QUORUM],
    // The answer did not fit.
    ['OVERLOADED', 'unknown', UNKNOWN],
    ['UNSUPPORTED', 'unknown', exitCode.REFUSED],
    ['REFUSED', undefined, exitCode.REFUSED],
  ])('%s, of which the outcome is %s: %i', (code, outcome, expected) => {
    const failure = toFailure(new ClusterError(code, 'oh', { outcome }), true);
    expect([failure.exitCode, /whether it was done/u.test(failure.message)]).toEqual([expected, expected === UNKNOWN]);
  });
});

it('of a question nobody wants to know whether it was done', () => {
  expect(toFailure(new ClusterError('TIMEOUT', 'oh', { outcome: 'unknown' })).exitCode).toBe(exitCode.FAILED);
});
