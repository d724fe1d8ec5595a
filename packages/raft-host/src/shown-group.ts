import type { GroupPeer, GroupStatus } from './group-status.ts';
import type { RunningGroup } from './running-group.ts';

type ShownGroup = Pick<RunningGroup<unknown>, 'role' | 'node' | 'configuration' | 'nodeOf'>;

/** What a node is in a group, in the words of the status. */
export function shownRole({ role, node, configuration }: ShownGroup): GroupStatus['role'] {
  if (role.role !== 'leader' && role.role !== 'follower') return 'candidate';
  const isLearner = configuration.confState.learners.includes(node.basicStatus().id);
  return isLearner ? 'learner' : role.role;
}

/** What a leader knows of the others; nothing on other nodes. */
export function peersOf(running: ShownGroup): readonly GroupPeer[] {
  const { progress, id, lastIndex } = running.node.status();
  return [...progress].flatMap(([number, { match }]): GroupPeer[] => {
    const nodeId = running.nodeOf(number);
    return nodeId === undefined || number === id ? [] : [{ nodeId, matchIndex: match, lag: lastIndex - match }];
  });
}
