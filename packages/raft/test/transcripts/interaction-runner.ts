import type { ConfChange, ConfChangeTransition } from '../../src/conf-change.ts';
import { isVoter } from '../../src/quorum/joint.ts';
import { message } from '../../src/messages.ts';
import type { StepResult } from '../../src/raft-state.ts';
import { addNodes, ELECTION_TICKS, HEARTBEAT_TICKS } from './add-nodes.ts';
import { numbers, parseNumber, readOptions, single, singleBoolean, singleNumber, words } from './arguments.ts';
import { Cluster, REFUSAL_TEXTS, Refusal } from './cluster.ts';
import { describeProgressMap, parseConfChanges } from './conf-change-text.ts';
import { type Command, parseCommand, type Step, TranscriptError } from './data-driven.ts';
import { describeEntries, describeMessage, parseMessageType, ROLE_TEXTS } from './describe.ts';
import type { Member } from './member.ts';
import { Output, parseLevel } from './output.ts';
import type { Runner } from './replay.ts';

/** A cluster and where it prints. */
interface Scene {
  readonly cluster: Cluster;
  readonly output: Output;
}

type Directive = (scene: Scene, command: Command) => void;

/** Drives a cluster by hand: one directive a step, and more in its input, one a line. */
export function interactionRunner(): Runner {
  const output = new Output();
  const scene = { cluster: new Cluster(output), output };
  return (step) => {
    output.clear();
    const refusal = refusalOf(() => (step.name === 'propose-conf-change' ? proposeConfChange : carryOut)(scene, step));
    if (refusal !== undefined && output.quiet) return refusal;
    return `${output.text}${refusal ?? ''}` || 'ok';
  };
}

/** The directive itself, then those of its input: a refusal of the former ends the step, one of the latter doesn't. */
function carryOut(scene: Scene, step: Step): void {
  carryOutOne(scene, step);
  for (const line of step.input.split('\n').filter((line) => line.trim() !== '')) {
    const refusal = refusalOf(() => carryOutOne(scene, parseCommand(line)));
    if (refusal !== undefined && scene.output.quiet) throw new Refusal(refusal);
    scene.output.write(refusal ?? '');
  }
}

function carryOutOne(scene: Scene, command: Command): void {
  const directive = Object.hasOwn(DIRECTIVES, command.name) ? DIRECTIVES[command.name] : undefined;
  if (!directive) throw new TranscriptError(`unknown directive "${command.name}"`);
  directive(scene, command);
}

const DIRECTIVES: Readonly<Record<string, Directive>> = {
  // A place for a debugger to stop at.
  _breakpoint: (_scene, command) => nothingElse(command),
  'add-nodes': ({ cluster }, command) => addNodes(cluster, command),
  campaign: ({ cluster }, command) => accepted(onlyMember(cluster, command).node.campaign()),
  compact,
  'deliver-msgs': deliverMessages,
  'forget-leader': ({ cluster }, command) => onlyMember(cluster, command).node.forgetLeader(),
  'log-level': ({ output }, command) => setLevel(output, command),
  'process-append-thread': overMembers('processing append thread', (cluster, member) => cluster.processAppend(member)),
  'process-apply-thread': overMembers('processing apply thread', (cluster, member) => cluster.processApply(member)),
  'process-ready': overMembers('handling Ready', (cluster, member) => cluster.processReady(member)),
  propose,
  'raft-log': ({ cluster, output }, command) => showLog(output, onlyMember(cluster, command)),
  'raft-state': showStates,
  'report-unreachable': reportUnreachable,
  'send-snapshot': sendSnapshot,
  'set-randomized-election-timeout': setRandomizedElectionTimeout,
  stabilize,
  status: ({ cluster, output }, command) => {
    output.write(describeProgressMap(onlyMember(cluster, command).node.status().progress));
  },
  'tick-election': ({ cluster }, command) => tick(onlyMember(cluster, command), ELECTION_TICKS),
  'tick-heartbeat': ({ cluster }, command) => tick(onlyMember(cluster, command), HEARTBEAT_TICKS),
  'transfer-leadership': transferLeadership,
};

function proposeConfChange({ cluster }: Scene, step: Step): void {
  const { node } = cluster.member(only(numbers(step, 1)));
  let v1 = false;
  let transition: ConfChangeTransition = 'auto';
  readOptions(step, {
    v1: (option) => (v1 = singleBoolean(option)),
    transition: (option) => (transition = parseTransition(single(option))),
  });
  const changes = parseConfChanges(step.input);
  if (!v1) return accepted(node.proposeConfChange({ version: 2, transition, changes }));
  const [change] = changes;
  if (!change || changes.length > 1 || transition !== 'auto') {
    throw new Refusal('v1 conf change can only have one operation and no transition');
  }
  const proposal: ConfChange = { version: 1, ...change };
  accepted(node.proposeConfChange(proposal));
}

function parseTransition(text: string): ConfChangeTransition {
  if (text === 'auto') return 'auto';
  if (text === 'implicit') return 'joint-implicit';
  if (text === 'explicit') return 'joint-explicit';
  throw new TranscriptError(`unknown transition "${text}"`);
}

function propose({ cluster }: Scene, command: Command): void {
  readOptions(command, {});
  const [id, data, ...more] = words(command);
  if (id === undefined || data === undefined || more.length > 0)
    throw new TranscriptError('propose takes a node and data');
  accepted(cluster.member(parseNumber(id)).node.propose(new TextEncoder().encode(data)));
}

function compact({ cluster, output }: Scene, command: Command): void {
  readOptions(command, {});
  const [id = 0, index = 0] = numbers(command, 2);
  const { storage } = cluster.member(id);
  if (index < storage.firstIndex()) throw new Refusal('requested index is unavailable due to compaction');
  storage.compact(index);
  showLog(output, cluster.member(id));
}

function deliverMessages({ cluster, output }: Scene, command: Command): void {
  const recipients = numbers(command).map((id) => ({ id, drop: false }));
  let type: Parameters<Cluster['deliver']>[1];
  readOptions(command, {
    drop: ({ values }) => recipients.push(...values.map((value) => ({ id: parseNumber(value), drop: true }))),
    type: (option) => (type = parseMessageType(single(option))),
  });
  const ids = recipients.map(({ id }) => id);
  if (new Set(ids).size < ids.length) throw new TranscriptError('a recipient is named twice');
  if (cluster.deliver(recipients, type) === 0) output.writeLine('no messages');
}

function stabilize({ cluster, output }: Scene, command: Command): void {
  const ids = numbers(command);
  const before = output.level;
  readOptions(command, { 'log-level': (option) => (output.level = parseLevel(single(option))) });
  try {
    cluster.stabilize(ids.length > 0 ? ids.map((id) => cluster.member(id)) : cluster.members);
  } finally {
    output.level = before;
  }
}

function overMembers(title: string, act: (cluster: Cluster, member: Member) => void): Directive {
  return ({ cluster, output }, command) => {
    readOptions(command, {});
    const members = numbers(command).map((id) => cluster.member(id));
    for (const member of members) {
      if (members.length === 1) return act(cluster, member);
      output.writeLine(`> ${member.id} ${title}`);
      output.indented(() => act(cluster, member));
    }
  };
}

function showLog(output: Output, { storage }: Member): void {
  const [first, last] = [storage.firstIndex(), storage.lastIndex()];
  if (last < first) return output.write(`log is empty: first index=${first}, last index=${last}`);
  const entries = storage.entries(first, last + 1, Infinity);
  if (entries === 'later') throw new TranscriptError('a log that is not at hand');
  output.write(describeEntries(entries ?? []));
}

/** Each node as it sees itself. */
function showStates({ cluster, output }: Scene, command: Command): void {
  nothingElse(command);
  for (const { id, node } of cluster.members) {
    const { role, term, leader, config } = node.status();
    const voter = isVoter(config.voters, id) ? '(Voter)' : '(Non-Voter)';
    output.writeLine(`${id}: ${ROLE_TEXTS[role]} ${voter} Term:${term} Lead:${leader}`);
  }
}

function reportUnreachable({ cluster }: Scene, command: Command): void {
  readOptions(command, {});
  const [from = 0, to = 0] = numbers(command, 2);
  cluster.member(from).node.reportUnreachable(cluster.member(to).id);
}

function sendSnapshot({ cluster, output }: Scene, command: Command): void {
  readOptions(command, {});
  const [from = 0, to = 0] = numbers(command, 2);
  const { node, storage } = cluster.member(from);
  const sent = message({
    type: 'Snap',
    from,
    to,
    term: node.basicStatus().term,
    snapshot: storage.snapshot(),
  });
  cluster.post(sent);
  output.write(describeMessage(sent));
}

function setRandomizedElectionTimeout({ cluster }: Scene, command: Command): void {
  const member = cluster.member(only(numbers(command, 1)));
  let ticks = 0;
  readOptions(command, { timeout: (option) => (ticks = singleNumber(option)) });
  if (ticks === 0) throw new TranscriptError('expected timeout=<ticks>, more than 0');
  member.node.setRandomizedElectionTicks(ticks);
}

function transferLeadership({ cluster }: Scene, command: Command): void {
  if (words(command).length > 0) throw new TranscriptError('transfer-leadership takes from=<id> to=<id>');
  let from = 0;
  let to = 0;
  readOptions(command, {
    from: (option) => (from = singleNumber(option)),
    to: (option) => (to = singleNumber(option)),
  });
  cluster.member(from).node.transferLeader(cluster.member(to).id);
}

function setLevel(output: Output, command: Command): void {
  readOptions(command, {});
  const [level, ...more] = words(command);
  if (level === undefined || more.length > 0) throw new TranscriptError('log-level takes a level');
  output.level = parseLevel(level);
}

function tick({ node }: Member, times: number): void {
  for (let i = 0; i < times; i += 1) node.tick();
}

/** The one node that a directive names, which takes no options. */
function onlyMember(cluster: Cluster, command: Command): Member {
  readOptions(command, {});
  return cluster.member(only(numbers(command, 1)));
}

function only(ids: readonly number[]): number {
  return ids[0] ?? 0;
}

function nothingElse(command: Command): void {
  readOptions(command, {});
  numbers(command, 0);
}

function accepted(result: StepResult): void {
  const refusal = REFUSAL_TEXTS[result];
  if (refusal !== undefined) throw new Refusal(refusal);
}

function refusalOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}
