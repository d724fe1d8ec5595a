import { ClusterError, type Electorate, type NodeId } from '@quorate/core';
import { firstTerm } from './term-range.ts';
import type { VoteRecord } from './vote-record.ts';

/**
 * The electorate to go on with, given the stored and the configured one. Majorities of two sets that differ by one
 * voter always share a voter, which counts in one of them only; that is what makes a change one voter at a time safe.
 * (Ongaro, "Consensus: Bridging Theory and Practice", 2014, section 4.1.)
 * @throws ClusterError `ELECTORATE_MISMATCH`
 */
export function nextElectorate(stored: Electorate | undefined, configured: Electorate): Electorate {
  if (stored === undefined) return configured;
  const changes = difference(stored.voters, configured.voters);
  const step = configured.generation - stored.generation;
  if (step === 0 && changes === 0) return stored;
  if (step === 1 && changes <= 1) return configured;
  throw new ClusterError(
    'ELECTORATE_MISMATCH',
    `the configured voters ${show(configured)} do not follow on the stored ${show(stored)}: ` +
      'change one voter at a time, with the next generation, on every node before the next change',
  );
}

/** What a voter of the electorate begins with, given what it stored before. */
export function recordFor(stored: VoteRecord | undefined, electorate: Electorate, promiseMs: number): VoteRecord {
  const first = { term: firstTerm(electorate.generation), votedFor: undefined };
  const { term, votedFor } = stored !== undefined && stored.term >= first.term ? stored : first;
  return { term, votedFor, electorate, promiseMs };
}

function difference(a: readonly NodeId[], b: readonly NodeId[]): number {
  const left = a.filter((id) => !b.includes(id)).length;
  return left + b.filter((id) => !a.includes(id)).length;
}

function show({ generation, voters }: Electorate): string {
  return `[${voters.join(', ')}] of generation ${generation}`;
}
