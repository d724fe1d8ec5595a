import { EMPTY_CONF_STATE } from '../../src/memory-raft-storage.ts';
import type { RaftConfig } from '../../src/raft-config.ts';
import type { Snapshot } from '../../src/types.ts';
import { numberList, numbers, readOptions, single, singleBoolean, singleNumber } from './arguments.ts';
import { type Cluster, Refusal } from './cluster.ts';
import { type Argument, type Command, TranscriptError } from './data-driven.ts';
import { Member } from './member.ts';

export const ELECTION_TICKS = 3;
export const HEARTBEAT_TICKS = 1;

type Template = Omit<RaftConfig, 'id' | 'storage'>;

/** `add-nodes 3 voters=(1,2) learners=(3) index=10 …`: nodes with the next ids, all with the same log and options. */
export function addNodes(cluster: Cluster, command: Command): void {
  const [count = 0] = numbers(command, 1);
  const options = readTemplate(command);
  const snapshot = readSnapshot(command);
  for (let i = 0; i < count; i += 1) {
    const id = cluster.members.length + 1;
    cluster.members.push(new Member({ ...options, id }, snapshot));
  }
}

function readTemplate(command: Command): Template {
  const template: { -readonly [K in keyof Template]: Template[K] } = {
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: HEARTBEAT_TICKS,
    // The longest timeout there is: transcripts must hold for any.
    random: { int: (bound) => bound - 1 },
    maxSizePerMessage: Infinity,
    maxUncommittedSize: Infinity,
    maxInflightMessages: Number.MAX_SAFE_INTEGER,
    maxInflightBytes: Infinity,
    checkQuorum: false,
    preVote: false,
    stepDownOnRemoval: false,
  };
  readOptions(command, {
    ...ignored('voters', 'learners', 'content'),
    index: (option) => (template.applied = singleNumber(option)),
    inflight: (option) => (template.maxInflightMessages = singleNumber(option)),
    'async-storage-writes': (option) => (template.asyncStorageWrites = singleBoolean(option)),
    prevote: (option) => (template.preVote = singleBoolean(option)),
    checkquorum: (option) => (template.checkQuorum = singleBoolean(option)),
    'max-committed-size-per-ready': (option) => (template.maxCommittedSizePerReady = singleNumber(option)),
    'disable-conf-change-validation': (option) => (template.disableConfChangeValidation = singleBoolean(option)),
    'step-down-on-removal': (option) => (template.stepDownOnRemoval = singleBoolean(option)),
    'read-only': (option) => {
      if (parseReadOnly(single(option)) === 'lease') template.lease = { now: () => 0, tickMs: 1, maxDrift: 0 };
    },
  });
  return template;
}

/** What the nodes start from: at term 1, or nothing. */
function readSnapshot(command: Command): Snapshot {
  let index = 0;
  let data = new Uint8Array();
  const voters: number[] = [];
  const learners: number[] = [];
  readOptions(
    { ...command, args: command.args.filter(({ key }) => SNAPSHOT_OPTIONS.includes(key)) },
    {
      index: (option) => (index = singleNumber(option)),
      content: (option) => (data = new TextEncoder().encode(single(option))),
      voters: (option) => voters.push(...numberList(option)),
      learners: (option) => learners.push(...numberList(option)),
    },
  );
  const isEmpty = index === 0 && data.byteLength === 0 && voters.length === 0 && learners.length === 0;
  if (!isEmpty && index <= 1) throw new Refusal('index must be specified as > 1 due to bootstrap');
  const confState = { ...EMPTY_CONF_STATE, voters, learners };
  return { metadata: { index, term: isEmpty ? 0 : 1, confState }, data };
}

const SNAPSHOT_OPTIONS: readonly string[] = ['index', 'content', 'voters', 'learners'];

function ignored(...keys: readonly string[]): Record<string, (option: Argument) => void> {
  return Object.fromEntries(keys.map((key) => [key, () => {}]));
}

function parseReadOnly(text: string): 'safe' | 'lease' {
  if (text === 'safe') return 'safe';
  if (text === 'lease-based') return 'lease';
  throw new TranscriptError(`unknown way to read "${text}"`);
}
