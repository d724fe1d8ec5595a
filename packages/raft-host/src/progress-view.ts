import type { RaftNode } from '@quorate/raft';

/** Voters to whom this leader can hand over, those with the most of the log first. */
export function successors(node: RaftNode): readonly number[] {
  const { progress, id } = node.status();
  return [...progress]
    .filter(([number, { isLearner, recentActive }]) => number !== id && !isLearner && recentActive)
    .sort(([, a], [, b]) => b.match - a.match)
    .map(([number]) => number);
}

/** For each other member that a leader has heard of: the first entry that it may not have. */
export function neededByOthers(node: RaftNode): readonly number[] {
  const { progress, id } = node.status();
  return [...progress].flatMap(([number, { match, recentActive, state }]) =>
    number === id || !recentActive || state === 'snapshot' ? [] : [match + 1],
  );
}
