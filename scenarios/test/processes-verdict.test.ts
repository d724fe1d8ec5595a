import { expect, it } from 'vitest';
import type { NodeOutcome } from '../src/processes/node-protocol.ts';
import { type Fate, OperationLog } from '../src/processes/operation-log.ts';
import { findFaults } from '../src/processes/verdict.ts';

const failed = (outcome: Exclude<Fate['outcome'], 'ok'>): NodeOutcome => ({ outcome, code: 'TIMEOUT' });

async function put(log: OperationLog, op: string, value: number, outcome: Fate['outcome'] = 'ok'): Promise<void> {
  const command = { type: 'put', op, key: 'k', value } as const;
  await log.write('client', command, () =>
    Promise.resolve(outcome === 'ok' ? { outcome, result: null } : failed(outcome)),
  );
}

async function get(log: OperationLog, value: number): Promise<void> {
  await log.read('client', { type: 'get', key: 'k' }, () => Promise.resolve({ outcome: 'ok', result: value }));
}

/** Two writes that were acknowledged, and one each of which the client was told that it is unknown and not applied. */
async function someLog(): Promise<OperationLog> {
  const log = new OperationLog();
  await put(log, 'first', 1);
  await put(log, 'second', 2);
  await get(log, 2);
  await put(log, 'denied', 3, 'not-applied');
  await put(log, 'unknown', 4, 'unknown');
  return log;
}

function alike(...journal: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return new Map(['a', 'b', 'c'].map((id) => [id, journal]));
}

it.each([[[]], [['unknown']]])('accepts a run in which what is unknown took effect or not: %j', async (unknown) => {
  expect(findFaults(await someLog(), alike('first', 'second', ...unknown))).toEqual([]);
});

it.each([
  ['lost', ['first'], /second, .* told ok, took effect 0 times/u],
  ['done twice', ['first', 'first', 'second'], /first, .* told ok, took effect 2 times/u],
  ['done though denied', ['first', 'second', 'denied'], /denied, .* told not-applied, took effect 1 times/u],
  ['unknown and done twice', ['first', 'second', 'unknown', 'unknown'], /told unknown, took effect 2 times/u],
  ['asked for by nobody', ['first', 'second', 'stray'], /nobody asked for stray/u],
])('finds what was %s', async (_, journal, expected) => {
  expect(findFaults(await someLog(), alike(...journal))).toEqual([expect.stringMatching(expected)]);
});

it('finds a replica that did the same in another order', async () => {
  const journals = new Map([...alike('first', 'second'), ['d', ['second', 'first']]]);
  expect(findFaults(await someLog(), journals)).toEqual(['replica d differs from a at 0: second, not first']);
});

it('finds a stale read, and sees what was unknown', async () => {
  const log = await someLog();
  await get(log, 4);
  expect(findFaults(log, alike('first', 'second', 'unknown'))).toEqual([]);
  await get(log, 2);
  expect(findFaults(log, alike('first', 'second', 'unknown'))).toEqual([expect.stringMatching(/not linearizable: k/u)]);
});
