import type { ConfChangeErrorCode, ConfChangeSingle, ConfChangeType } from '../../src/conf-change.ts';
import type { TrackerConfig } from '../../src/tracker-config.ts';
import type { ProgressState } from '../../src/progress.ts';
import type { ProgressStatus } from '../../src/status.ts';
import { parseNumber } from './arguments.ts';
import { TranscriptError } from './data-driven.ts';

const LETTERS: Readonly<Record<ConfChangeType, string>> = {
  'add-node': 'v',
  'add-learner': 'l',
  'remove-node': 'r',
  'update-node': 'u',
};

/** Reads changes as transcripts write them: `v1 l2 r3 u4`. */
export function parseConfChanges(text: string): ConfChangeSingle[] {
  const tokens = text.split(/\s+/).filter((token) => token !== '');
  return tokens.map((token) => {
    const type = (Object.keys(LETTERS) as ConfChangeType[]).find((candidate) => LETTERS[candidate] === token[0]);
    if (!type) throw new TranscriptError(`unknown change "${token}"`);
    return { type, nodeId: parseNumber(token.slice(1)) };
  });
}

export function describeConfChanges(changes: readonly ConfChangeSingle[]): string {
  return changes.map(({ type, nodeId }) => `${LETTERS[type]}${nodeId}`).join(' ');
}

/** A configuration on one line: `voters=(2 3)&&(1) learners=(4) autoleave`. */
export function describeConfig({ voters, learners, learnersNext, autoLeave }: TrackerConfig): string {
  const outgoing = voters.outgoing.size > 0 ? `&&${describeIds(voters.outgoing)}` : '';
  return [
    `voters=${describeIds(voters.incoming)}${outgoing}`,
    ...(learners.size > 0 ? [`learners=${describeIds(learners)}`] : []),
    ...(learnersNext.size > 0 ? [`learners_next=${describeIds(learnersNext)}`] : []),
    ...(autoLeave ? ['autoleave'] : []),
  ].join(' ');
}

/** What is known of each member, one a line. */
export function describeProgressMap(progress: ReadonlyMap<number, ProgressStatus>): string {
  return Array.from(progress, ([id, known]) => `${id}: ${describeProgress(known)}\n`).join('');
}

function describeProgress(progress: ProgressStatus): string {
  const { count, full } = progress.inflights;
  return [
    `${STATE_TEXTS[progress.state]} match=${progress.match} next=${progress.next}`,
    ...(progress.isLearner ? ['learner'] : []),
    ...(progress.paused ? ['paused'] : []),
    ...(progress.pendingSnapshot > 0 ? [`pendingSnap=${progress.pendingSnapshot}`] : []),
    ...(progress.recentActive ? [] : ['inactive']),
    ...(count > 0 ? [`inflight=${count}${full ? '[full]' : ''}`] : []),
  ].join(' ');
}

const STATE_TEXTS: Readonly<Record<ProgressState, string>> = {
  probe: 'StateProbe',
  replicate: 'StateReplicate',
  snapshot: 'StateSnapshot',
};

/** How the transcripts' authors put the reasons to refuse a change. */
export const CONF_CHANGE_ERROR_TEXTS: Readonly<Record<ConfChangeErrorCode, string>> = {
  ALREADY_JOINT: 'config is already joint',
  NOT_JOINT: "can't leave a non-joint config",
  SIMPLE_WHILE_JOINT: "can't apply simple config change in joint config",
  NO_VOTERS_YET: "can't make a zero-voter config joint",
  NO_VOTERS_LEFT: 'removed all voters',
  MORE_THAN_ONE_VOTER: 'more than one voter changed without entering joint config',
};

function describeIds(ids: ReadonlySet<number>): string {
  return `(${[...ids].sort((a, b) => a - b).join(' ')})`;
}
