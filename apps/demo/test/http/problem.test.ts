import { CLUSTER_ERROR_CODES, ClusterError } from '@quorate/core';
import { expect, it } from 'vitest';
import { Problem, PROBLEM_CODES, problemOf, refusal } from '../../src/http/problem.ts';

it.each([
  ['QUORUM_LOST', 503, 1],
  ['NOT_LEADER', 503, 1],
  ['TIMEOUT', 504, undefined],
  ['OVERLOADED', 504, 1],
  ['REFUSED', 504, undefined],
  ['UNSUPPORTED', 501, undefined],
  ['CLOSED', 503, 1],
  ['CORRUPT', 500, undefined],
] as const)('tells of %s after which something may have been done with the status %i', (code, status, retryAfter) => {
  const problem = problemOf(new ClusterError(code, 'so it is', { outcome: 'unknown' }));
  expect(problem).toMatchObject({ status, retryAfter, outcome: 'unknown' });
  expect(problem.details('r1')).toMatchObject({ requestId: 'r1', status, outcome: 'unknown' });
});

it.each([
  ['OVERLOADED', 429],
  ['REFUSED', 409],
  ['QUORUM_LOST', 503],
] as const)('tells of %s after which nothing was done with the status %i', (code, status) => {
  for (const outcome of ['not-applied', undefined] as const) {
    expect(problemOf(new ClusterError(code, 'so it is', { outcome })).status).toBe(status);
  }
});

it('knows a status for whatever fails, and says nothing of faults of its own', () => {
  for (const code of CLUSTER_ERROR_CODES) expect(problemOf(new ClusterError(code, 'x')).status).toBeGreaterThan(399);
  for (const code of PROBLEM_CODES) expect(new Problem(code, 'x').details('r').title).not.toBe('Error');
  expect(problemOf(new TypeError('secret'))).toMatchObject({ status: 500, message: 'the node has failed' });
  expect(refusal({ code: 'full', message: 'full' })).toMatchObject({ status: 429, outcome: 'not-applied' });
});
