import { jointCommitted, jointVote, voterIds, type JointVoters } from '../../src/quorum/joint.ts';
import { majorityCommitted, majorityVote, type VoteResult } from '../../src/quorum/majority.ts';
import { numberList, parseNumber, readOptions, single, words } from './arguments.ts';
import { type Argument, type Step, TranscriptError } from './data-driven.ts';
import type { Runner } from './replay.ts';

/** What the arguments of a step say. `joint` only if a second half was named, be it empty. */
interface Question {
  readonly voters: JointVoters;
  readonly joint: boolean;
  /** What each voter has acknowledged or voted, in the order in which they are first named; undefined is nothing. */
  readonly answers: ReadonlyMap<number, string>;
}

/** Asks quorums: `committed cfg=(1,2) cfgj=(2,3) idx=(5,_,7)` and `vote cfg=(1,2) votes=(y,_)`. */
export function quorumRunner(): Runner {
  return (step) => {
    if (step.name === 'committed') return committed(readQuestion(step, 'idx'));
    if (step.name === 'vote') return vote(readQuestion(step, 'votes'));
    throw new TranscriptError(`unknown directive "${step.name}"`);
  };
}

function readQuestion(step: Step, answersKey: 'idx' | 'votes'): Question {
  const incoming: number[] = [];
  const outgoing: number[] = [];
  const answers: string[] = [];
  let joint = false;
  if (words(step).length > 0) throw new TranscriptError(`"${step.name}" takes no words: ${words(step).join(' ')}`);
  readOptions(step, {
    cfg: (option) => incoming.push(...numberList(option)),
    cfgj: (option) => {
      joint = true;
      outgoing.push(...(isZero(option) ? [] : numberList(option)));
    },
    [answersKey]: (option: Argument) => answers.push(...option.values),
  });
  const ids = [...new Set([...incoming, ...outgoing])];
  if (ids.length !== answers.length) throw new TranscriptError(`${ids.length} voters, but ${answers.length} answers`);
  const given = ids.map((id, at): [number, string] => [id, answers[at] ?? '_']).filter(([, answer]) => answer !== '_');
  return { voters: { incoming: new Set(incoming), outgoing: new Set(outgoing) }, joint, answers: new Map(given) };
}

function isZero(option: Argument): boolean {
  return option.values.includes('zero') && single(option) === 'zero';
}

/** Beside the answer it prints what ought to have been the same and isn't, as the transcripts' authors do. */
function committed({ voters, joint, answers }: Question): string {
  const acknowledged = new Map([...answers].map(([id, index]) => [id, parseNumber(index)]));
  const ask = (asked: JointVoters): number => jointCommitted(asked, (id) => acknowledged.get(id));
  const index = joint ? ask(voters) : majorityCommitted(voters.incoming, (id) => acknowledged.get(id));
  const others: [number, string][] = joint
    ? [[ask(swap(voters)), 'with the halves swapped']]
    : [
        [ask({ incoming: voters.incoming, outgoing: new Set() }), 'joint with nobody'],
        [ask({ incoming: voters.incoming, outgoing: voters.incoming }), 'joint with itself'],
      ];
  const surprises = others.filter(([other]) => other !== index).map(([other, how]) => `${other} <-- ${how}\n`);
  return `${describeAcknowledged(voters, acknowledged)}${surprises.join('')}${index === Infinity ? '∞' : index}\n`;
}

function vote({ voters, joint, answers }: Question): string {
  const votes = new Map([...answers].map(([id, answer]) => [id, parseVote(answer)]));
  const said = (id: number): boolean | undefined => votes.get(id);
  if (!joint) return `${VOTE_TEXTS[majorityVote(voters.incoming, said)]}\n`;
  const result = jointVote(voters, said);
  const swapped = jointVote(swap(voters), said);
  const surprise = swapped === result ? '' : `${VOTE_TEXTS[swapped]} <-- with the halves swapped\n`;
  return `${surprise}${VOTE_TEXTS[result]}\n`;
}

const VOTE_TEXTS: Readonly<Record<VoteResult, string>> = {
  pending: 'VotePending',
  won: 'VoteWon',
  lost: 'VoteLost',
};

function swap({ incoming, outgoing }: JointVoters): JointVoters {
  return { incoming: outgoing, outgoing: incoming };
}

function parseVote(answer: string): boolean {
  if (answer !== 'y' && answer !== 'n') throw new TranscriptError(`expected y, n or _ as a vote, got "${answer}"`);
  return answer === 'y';
}

/** A table with a bar for each voter, as long as the number of those that are behind it. */
function describeAcknowledged(voters: JointVoters, acknowledged: ReadonlyMap<number, number>): string {
  const ids = voterIds(voters);
  if (ids.length === 0) return '<empty majority quorum>';
  const indices = ids.map((id) => acknowledged.get(id) ?? 0);
  const rows = ids.map((id) => {
    const index = acknowledged.get(id);
    const behind = indices.filter((other) => other < (index ?? 0)).length;
    const bar = index === undefined ? '?' : `${'x'.repeat(behind)}>`;
    return `${bar.padEnd(ids.length + 1)} ${String(index ?? 0).padStart(5)}    (id=${id})\n`;
  });
  return `${' '.repeat(ids.length)}    idx\n${rows.join('')}`;
}
