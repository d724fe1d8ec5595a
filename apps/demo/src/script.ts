import assert from 'node:assert/strict';
import { acknowledgedTickets, auditHistory, ringsOf } from './audit.ts';
import { type EventOf, grantsOf, type HistoryEvent } from './history.ts';
import { findAgain, forgetDead } from './finding.ts';
import { isReplicated } from './elections.ts';
import type { DemoOptions } from './options.ts';
import type { MachineMs } from './report.ts';
import { allSee, allSeeAll } from './seen.ts';
import type { Session } from './session.ts';
import { STRANGER } from './stranger.ts';
import {
  aLeader,
  allConnected,
  find,
  holds,
  isTogether,
  type Leader,
  makeStage,
  type Measure,
  nextGrant,
  nextTicket,
  type ScriptOutput,
  type Stage,
  staysLeader,
  timeOf,
} from './stage.ts';

interface Step {
  readonly title: string;
  /** @default always */
  readonly isFor?: (options: DemoOptions) => boolean;
  /** Rejects with the reason when anything is not as it should be. */
  readonly run: (stage: Stage) => Promise<void>;
}

/** The life of a cluster, from its birth through the loss of three leaders to its end. */
const steps: readonly Step[] = [
  { title: 'Form a cluster and elect a leader', run: form },
  { title: 'Work: the leader numbers tickets', run: work },
  { title: 'Kill the leader with SIGKILL', run: killLeader },
  { title: 'Bring the dead node back', run: bringBack },
  {
    title: 'Refuse a stranger who has a wrong secret',
    isFor: ({ secret }) => secret !== undefined,
    run: refuseStranger,
  },
  { title: 'Pause the leader for longer than its lease', run: pauseLeader },
  { title: 'Stop the leader gracefully', run: handOver },
  { title: 'Stop the others', run: stopAll },
  { title: 'Audit everything that happened', run: audit },
];

/**
 * Runs the demo unattended. Every wait is bounded.
 * @throws Error naming the step and what was not so in it
 */
export async function runScript(session: Session, output: ScriptOutput): Promise<readonly Measure[]> {
  const stage = makeStage(session, output);
  for (const { title, run } of steps.filter(({ isFor }) => isFor?.(session.options) !== false)) {
    output.step(title);
    try {
      await run(stage);
    } catch (error) {
      throw new Error(`${title}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return stage.measures;
}

async function form(stage: Stage): Promise<void> {
  const { supervisor, history, output } = stage;
  const mark = history.mark;
  for (const { id } of supervisor.nodes) supervisor.start(id);
  const beganAt = timeOf(history.events[0]);
  await holds(stage, 'every node is connected to all others', () => allConnected(supervisor.nodes));
  const all = supervisor.nodes.map(({ id }) => id).join(', ');
  output.event(`${all} are connected to each other`, timeOf(history.events.at(-1)) - beganAt);
  const grant = await nextGrant(stage, 0n, mark);
  output.event(`${grant.node} leads in term ${grant.token}`, grant.at - beganAt);
  await holds(stage, 'every node knows who leads', () => isTogether(stage));
  output.event('every node knows it', timeOf(history.events.at(-1)) - grant.at);
  await holds(stage, 'every node sees all others', () => allSeeAll(supervisor.nodes));
  output.event('every node sees all others as alive', timeOf(history.events.at(-1)) - beganAt);
}

const TICKETS = 10;

async function work(stage: Stage): Promise<void> {
  const mark = stage.history.mark;
  const first = await nextTicket(stage, 1n, mark);
  stage.output.event(`${first.node} had ticket ${first.number} numbered with token ${first.token}`);
  const isLast = ({ number }: { readonly number: number }) => number >= first.number + TICKETS - 1;
  const last = await find(stage, `${TICKETS} tickets`, 'ledger', 'accepted', isLast, mark);
  stage.output.event(`and so on up to ticket ${last.number}`, last.at - first.at);
  const ring = await nextRing(stage, 1n, mark);
  stage.output.event(`${ring.node} rings the bell for each slot`);
}

async function killLeader(stage: Stage): Promise<void> {
  const { supervisor, history, output, measures } = stage;
  const { node, token } = await aLeader(stage);
  const mark = history.mark;
  output.event(`${node}, the leader of term ${token}, is process ${supervisor.node(node).pid}: kill -9`);
  supervisor.kill(node);
  const killed = await find(stage, `${node} was killed`, 'process', 'killed', () => true, mark);
  const grant = await nextGrant(stage, token, mark);
  output.event(`${grant.node} leads in term ${grant.token}`, grant.at - killed.at);
  measures.push({ what: 'from SIGKILL of the leader to the next grant', ms: grant.at - killed.at });
  const ticket = await nextTicket(stage, grant.token, mark);
  output.event(`${ticket.node} had ticket ${ticket.number} numbered`, ticket.at - killed.at);
  const ring = await nextRing(stage, grant.token, mark);
  output.event(`and rang the bell for the slots that had come meanwhile`, ring.at - killed.at);
  await forgetDead(stage);
  // Those who have only their connections to go by wait for ten seconds.
  if (stage.options.membership === 'connection') return;
  await allSee(stage, { id: node, state: 'unreachable', as: `every node holds ${node} for dead` }, killed.at);
}

async function bringBack(stage: Stage): Promise<void> {
  const { supervisor, history, output } = stage;
  const dead = supervisor.nodes.find(({ state }) => state === 'dead')?.id;
  assert(dead !== undefined, 'no node is dead');
  const leader = await aLeader(stage);
  const mark = history.mark;
  supervisor.start(dead);
  const spawned = await find(stage, `${dead} was started`, 'process', 'spawned', ({ node }) => node === dead, mark);
  await holds(stage, `${dead} is back`, () => allConnected(supervisor.nodes));
  output.event(`${dead} is back at its address`, timeOf(history.events.at(-1)) - spawned.at);
  await holds(stage, `${dead} is seen, and sees`, () => allSeeAll(supervisor.nodes));
  await holds(stage, `${dead} follows the leader`, () => isTogether(stage));
  output.event(`and knows who leads`, timeOf(history.events.at(-1)) - spawned.at);
  await findAgain(stage, dead, spawned.at);
  if (isReplicated(stage.options.election)) await hasCaughtUp(stage, dead, spawned.at);
  await staysLeader(stage, leader, mark);
}

/** It knocks at every node, and each refuses it; the cluster goes on as before. */
async function refuseStranger(stage: Stage): Promise<void> {
  const { supervisor, history, output } = stage;
  const leader = await aLeader(stage);
  const mark = history.mark;
  assert(supervisor.sendStranger(), 'there is no secret');
  const first = await find(stage, 'the stranger is refused', 'stranger', 'refused', () => true, mark);
  output.event(`a process that knows every address knocks, and is told: ${first.reason}`);
  const told = await find(stage, 'a node tells of it', 'node', 'turned-away', () => true, mark);
  output.event(`${told.node} says: ${told.reason}`);
  const refusers = () => new Set(history.since(mark).flatMap((event) => refusedAt(event)));
  await holds(stage, 'every node refuses the stranger', () => refusers().size === supervisor.nodes.length);
  output.event(`every node has refused it`, timeOf(history.events.at(-1)) - first.at);
  const letIn = history.since(mark).find((event) => event.source === 'stranger' && event.type === 'let-in');
  const friends = supervisor.nodes.filter(({ connected }) => connected.includes(STRANGER)).map(({ id }) => id);
  assert(letIn === undefined && friends.length === 0, `the stranger was let in: ${friends.join(', ')}`);
  await staysLeader(stage, leader, mark);
}

function refusedAt(event: HistoryEvent): readonly string[] {
  return event.source === 'stranger' && event.type === 'refused' ? [event.address] : [];
}

/** Its copy of the ledger has every ticket that was numbered by now, also while it was gone. */
async function hasCaughtUp(stage: Stage, node: string, since: MachineMs): Promise<void> {
  const { supervisor, copies, output } = stage;
  const all = Math.max(0, ...copies.counts.values());
  await holds(stage, `${node}'s copy of the ledger is complete`, () => (supervisor.node(node).tickets ?? 0) >= all);
  output.event(
    `and has every ticket in its copy of the ledger, up to ${all}`,
    timeOf(stage.history.events.at(-1)) - since,
  );
}

/** A pause can miss the time in which a ticket is printed, on a machine that is busy. */
const MAX_PAUSES = 5;

async function pauseLeader(stage: Stage): Promise<void> {
  for (let attempt = 1; attempt <= MAX_PAUSES; attempt += 1) {
    if (await pauseOnce(stage)) return;
    stage.output.event('the pause came after the ticket had been submitted: once more');
  }
  throw new Error(`${MAX_PAUSES} pauses all came after a ticket had been submitted, and so there was no late write`);
}

/** False when the leader had submitted its ticket before it was paused. */
async function pauseOnce(stage: Stage): Promise<boolean> {
  const { supervisor, history, output } = stage;
  const printing = await find(stage, 'the leader prints a ticket', 'node', 'printing', () => true);
  const { node, token } = printing;
  const old: Leader = { node, token };
  const mark = history.mark;
  supervisor.pause(node);
  const paused = await find(stage, `${node} was paused`, 'process', 'paused', () => true, mark);
  output.event(`${node}, the leader of term ${token}, was paused while it printed a ticket`);

  const next = await nextGrant(stage, token, mark);
  output.event(`${next.node} leads in term ${next.token}`, next.at - paused.at);
  const ticket = await nextTicket(stage, next.token, mark);
  output.event(`${ticket.node} had ticket ${ticket.number} numbered`, ticket.at - paused.at);
  const missed = history.events.some((event) => isTicketOf(event, old, printing.at));

  supervisor.resume(node);
  const resumed = await find(stage, `${node} was continued`, 'process', 'continued', () => true, mark);
  output.event(`${node} was continued`, resumed.at - paused.at);
  const ended = await endOf(stage, old, mark);
  const gapMs = gapBetween(ended, next);
  output.event(`its grant had ended, after the pause by`, ended.deadline - paused.at);
  output.event(`and that was before ${next.node}'s began, by`, gapMs);
  if (missed) return false;
  await lateWriteRefused(stage, old, mark);
  if (isReplicated(stage.options.election)) await hasCaughtUp(stage, node, resumed.at);
  stage.measures.push({ what: "from the end of the paused leader's grant to the next grant", ms: gapMs });
  await staysLeader(stage, { node: next.node, token: next.token }, mark);
  return true;
}

async function lateWriteRefused(stage: Stage, { node, token }: Leader, mark: number): Promise<void> {
  const { history, waitMs, output } = stage;
  const late = (event: HistoryEvent) => (event.source === 'ledger' && event.token === token ? event : undefined);
  const write = await history.until(`${node}'s late write`, waitMs, late, mark);
  assert(write.type === 'refused', `${node}'s late ticket was accepted with its stale token ${token}`);
  output.event(`its late ticket was refused: token ${token} is stale, the ledger had seen ${write.highest}`);
}

async function handOver(stage: Stage): Promise<void> {
  const { supervisor, history, output, measures } = stage;
  const old = await aLeader(stage);
  const mark = history.mark;
  output.event(`${old.node}, the leader of term ${old.token}, was asked to stop: SIGTERM`);
  const stopped = supervisor.stop(old.node);
  const asked = await find(stage, `${old.node} was asked`, 'process', 'asked-to-stop', () => true, mark);
  const grant = await nextGrant(stage, old.token, mark);
  const ended = await endOf(stage, old, mark);
  const gapMs = gapBetween(ended, grant);
  output.event(`it finished its ticket and ended its grant; ${grant.node} leads in term ${grant.token} after`, gapMs);
  measures.push({ what: 'graceful hand-over, from the end of one grant to the next', ms: gapMs });
  await stopped;
  output.event(`${old.node} said goodbye and ended`);
  await allSee(stage, { id: old.node, state: 'left', as: 'every node was told that it leaves' }, asked.at);
  const ticket = await nextTicket(stage, grant.token, mark);
  output.event(`${ticket.node} had ticket ${ticket.number} numbered`, ticket.at - ended.deadline);
}

async function stopAll({ supervisor, history, output }: Stage): Promise<void> {
  const beganAt = timeOf(history.events.at(-1));
  await supervisor.stopAll();
  const wrong = supervisor.nodes.filter(({ state }) => state !== 'stopped').map(({ id }) => id);
  assert(wrong.length === 0, `${wrong.join(', ')} did not stop in time and had to be killed`);
  output.event('every process has ended, with code 0', timeOf(history.events.at(-1)) - beganAt);
}

async function audit({ options, history, copies, output }: Stage): Promise<void> {
  const problems = [...auditHistory(history.events), ...copies.problems];
  assert(problems.length === 0, problems.join('\n'));
  const { length } = history.events.filter((event) => event.source === 'ledger' && event.type === 'accepted');
  output.event(`${length} tickets: numbers without a gap, tokens that never decrease, each used by one node`);
  if (isReplicated(options.election)) {
    const promised = acknowledgedTickets(history.events).length;
    output.event(`${promised} of them were acknowledged to their leaders: none is lost, and none is there twice`);
    const each = [...copies.counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([node, count]) => `${node} ${count}`);
    output.event(`${each.length} copies of the ledger, the same line by line: ${each.join(', ')} tickets`);
  }
  output.event(`${grantsOf(history.events).length} grants: none began before the one before it had ended`);
  const rings = ringsOf(history.events);
  const slots = new Set(rings.map(({ slot }) => slot)).size;
  output.event(
    `${slots} slots at which the bell is rung: each claimed once, none lost, ${rings.length - slots} rung again`,
  );
}

/** The bell, rung in a term not before this one. */
function nextRing(stage: Stage, token: bigint, mark: number): Promise<EventOf<'node', 'rang'>> {
  return find(stage, 'the bell is rung', 'node', 'rang', (ring) => ring.token >= token, mark);
}

function endOf(stage: Stage, { node, token }: Leader, mark: number): Promise<EventOf<'node', 'ended'>> {
  const isIt = (event: EventOf<'node', 'ended'>) => event.node === node && event.token === token;
  return find(stage, `${node} tells when its grant ended`, 'node', 'ended', isIt, mark);
}

/** From the end of one grant to the beginning of the next. */
function gapBetween(ended: EventOf<'node', 'ended'>, next: EventOf<'node', 'granted'>): number {
  const gapMs = next.at - ended.deadline;
  assert(gapMs >= 0, `${ended.node}'s grant ended ${(-gapMs).toFixed(1)} ms after ${next.node}'s had begun`);
  return gapMs;
}

function isTicketOf(event: HistoryEvent, { node, token }: Leader, since: MachineMs): boolean {
  return event.source === 'ledger' && event.node === node && event.token === token && event.at >= since;
}
