import assert from 'node:assert/strict';
import { electionProfiles } from '@quorate/election-majority';
import { auditHistory } from './audit.ts';
import { type EventOf, grantsOf, type HistoryEvent } from './history.ts';
import type { AcceptedTicket } from './ledger.ts';
import type { MachineMs } from './report.ts';
import type { Session } from './session.ts';
import type { NodeView } from './supervisor.ts';

/** Where the script tells what happened. */
export interface ScriptOutput {
  step(title: string): void;
  /** @param tookMs how long it took, where that was measured */
  event(text: string, tookMs?: number): void;
}

/** A figure for the summary. */
export interface Measure {
  readonly what: string;
  readonly ms: number;
}

interface Stage extends Session {
  readonly output: ScriptOutput;
  readonly measures: Measure[];
  /** Within which everything that is waited for must have happened. */
  readonly waitMs: number;
  /** For how long something is watched that must not happen. */
  readonly watchMs: number;
}

interface Step {
  readonly title: string;
  /** Rejects with the reason when anything is not as it should be. */
  readonly run: (stage: Stage) => Promise<void>;
}

/** The life of a cluster, from its birth through the loss of three leaders to its end. */
const steps: readonly Step[] = [
  { title: 'Form a cluster and elect a leader', run: form },
  { title: 'Work: the leader numbers tickets', run: work },
  { title: 'Kill the leader with SIGKILL', run: killLeader },
  { title: 'Bring the dead node back', run: bringBack },
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
  const { electionMaxMs } = electionProfiles[session.options.profile];
  const { options, supervisor, history } = session;
  const measures: Measure[] = [];
  const bounds = { waitMs: 10_000 + 10 * electionMaxMs, watchMs: 2 * electionMaxMs };
  const dispose = () => session[Symbol.asyncDispose]();
  const stage = { options, supervisor, history, output, measures, ...bounds, [Symbol.asyncDispose]: dispose };
  for (const { title, run } of steps) {
    output.step(title);
    try {
      await run(stage);
    } catch (error) {
      throw new Error(`${title}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return measures;
}

async function form(stage: Stage): Promise<void> {
  const { supervisor, history, output } = stage;
  const mark = history.mark;
  for (const { id } of supervisor.nodes) supervisor.start(id);
  const beganAt = firstTime(history.events);
  const leading = nextGrant(stage, 0n, mark);
  await holds(stage, 'every node is connected to all others', () => allConnected(supervisor.nodes));
  const all = supervisor.nodes.map(({ id }) => id).join(', ');
  output.event(`${all} are connected to each other`, lastTime(history.events) - beganAt);
  const grant = await leading;
  output.event(`${grant.node} leads in term ${grant.token}`, grant.at - beganAt);
  await holds(stage, `every node sees ${grant.node} lead`, () => allFollow(supervisor.nodes, grant));
  output.event('every node knows it', lastTime(history.events) - grant.at);
}

async function work(stage: Stage): Promise<void> {
  const leader = currentLeader(stage);
  const first = await nextTicket(stage, leader.token);
  stage.output.event(`ticket ${first.number} was numbered with token ${first.token}`);
  const enough = first.number + 9;
  const last = await nextTicket(stage, leader.token, enough);
  stage.output.event(`and so were those up to ${last.number}`, last.at - first.at);
}

async function killLeader(stage: Stage): Promise<void> {
  const { supervisor, history, output, measures } = stage;
  const leader = currentLeader(stage);
  const mark = history.mark;
  output.event(`${leader.id}, the leader of term ${leader.token}, is process ${leader.view.pid}: kill -9`);
  supervisor.kill(leader.id);
  const killed = await find(stage, `${leader.id} was killed`, 'process', 'killed', () => true, mark);
  const grant = await nextGrant(stage, leader.token, mark);
  assert(grant.node !== leader.id, `${leader.id} leads, though it was killed`);
  output.event(`${grant.node} leads in term ${grant.token}`, grant.at - killed.at);
  measures.push({ what: 'from SIGKILL of the leader to the next grant', ms: grant.at - killed.at });
  const ticket = await nextTicket(stage, grant.token, 0, mark);
  output.event(`ticket ${ticket.number} was numbered with token ${ticket.token}`, ticket.at - killed.at);
}

async function bringBack(stage: Stage): Promise<void> {
  const { supervisor, history, output } = stage;
  const leader = currentLeader(stage);
  const dead = supervisor.nodes.find(({ state }) => state === 'dead');
  if (dead === undefined) throw new Error('no node is dead');
  const mark = history.mark;
  supervisor.start(dead.id);
  const spawned = await find(
    stage,
    `${dead.id} was started`,
    'process',
    'spawned',
    ({ node }) => node === dead.id,
    mark,
  );
  await holds(stage, `${dead.id} is back`, () => allConnected(supervisor.nodes));
  output.event(`${dead.id} is back, at the same address`, lastTime(history.events) - spawned.at);
  await holds(stage, `${dead.id} follows ${leader.id}`, () => allFollow(supervisor.nodes, leader.grant));
  output.event(`${dead.id} follows ${leader.id} in term ${leader.token}`, lastTime(history.events) - spawned.at);
  await staysLeader(stage, leader, mark);
}

/** A pause can miss the time in which a ticket is printed, on a machine that is busy. */
const MAX_PAUSES = 5;

async function pauseLeader(stage: Stage): Promise<void> {
  for (let attempt = 1; attempt <= MAX_PAUSES; attempt += 1) {
    if (await pauseOnce(stage)) return;
    stage.output.event('the pause came between two tickets; once more');
  }
  throw new Error(`${MAX_PAUSES} pauses all came between two tickets`);
}

/** False when the leader had submitted its ticket before the pause, so that there can be no late write. */
async function pauseOnce(stage: Stage): Promise<boolean> {
  const { supervisor, history, output } = stage;
  const leader = currentLeader(stage);
  const ofLeader = ({ node }: { readonly node: string }) => node === leader.id;
  await find(stage, `${leader.id} prints a ticket`, 'node', 'printing', ofLeader);
  const mark = history.mark;
  supervisor.pause(leader.id);
  const paused = await find(stage, `${leader.id} was paused`, 'process', 'paused', ofLeader, mark);
  output.event(`${leader.id}, the leader of term ${leader.token}, was paused in the middle of printing a ticket`);

  const next = await nextGrant(stage, leader.token, mark);
  output.event(`${next.node} leads in term ${next.token}`, next.at - paused.at);
  const ticket = await nextTicket(stage, next.token, 0, mark);
  output.event(`ticket ${ticket.number} was numbered with token ${ticket.token}`, ticket.at - paused.at);
  const missed = history.events.some((event) => isTicketSince(event, leader.id, paused.at));

  supervisor.resume(leader.id);
  const resumed = await find(stage, `${leader.id} was continued`, 'process', 'continued', ofLeader, mark);
  output.event(`${leader.id} was continued`, resumed.at - paused.at);
  const ended = await find(stage, `${leader.id} told that its grant had ended`, 'node', 'ended', ofLeader, mark);
  const gapMs = next.at - ended.deadline;
  assert(gapMs >= 0, `${leader.id}'s grant ended ${(-gapMs).toFixed(1)} ms after ${next.node}'s began`);
  output.event(`its grant had ended ${(ended.deadline - paused.at).toFixed(1)} ms after the pause:`);
  output.event(`that is before ${next.node}'s began, by`, gapMs);
  if (missed) return false;
  await lateWriteRefused(stage, leader, next.token, mark);
  stage.measures.push({ what: 'between the paused leader’s grant and the next', ms: gapMs });
  await staysLeader(stage, currentLeader(stage), mark, leader.token);
  return true;
}

async function lateWriteRefused(stage: Stage, { id, token }: Leader, newer: bigint, mark: number): Promise<void> {
  const { history, waitMs, output } = stage;
  const late = (event: HistoryEvent) => (event.source === 'ledger' && event.token === token ? event : undefined);
  const write = await history.until(`${id}'s late write`, waitMs, late, mark);
  if (write.type === 'accepted') {
    throw new Error(
      `${id}'s late ticket ${write.number} was accepted with token ${token}, though ${newer} had been seen`,
    );
  }
  output.event(`its late ticket was refused: it came with token ${token}, and the ledger had seen ${write.highest}`);
}

async function handOver(stage: Stage): Promise<void> {
  const { supervisor, history, output, measures } = stage;
  const leader = currentLeader(stage);
  const mark = history.mark;
  const stopped = supervisor.stop(leader.id);
  const grant = await nextGrant(stage, leader.token, mark);
  const ofLeader = ({ node }: { readonly node: string }) => node === leader.id;
  const ended = await find(stage, `${leader.id} ended its grant`, 'node', 'ended', ofLeader, mark);
  output.event(`${leader.id} finished its ticket and ended its grant of term ${leader.token}`);
  const gapMs = grant.at - ended.deadline;
  assert(gapMs >= 0, `${leader.id}'s grant ended after ${grant.node}'s began`);
  output.event(`${grant.node} leads in term ${grant.token}`, gapMs);
  measures.push({ what: 'graceful hand-over, from grant to grant', ms: gapMs });
  await stopped;
  output.event(`${leader.id} said goodbye and ended`);
  const ticket = await nextTicket(stage, grant.token, 0, mark);
  output.event(`ticket ${ticket.number} was numbered with token ${ticket.token}`, ticket.at - ended.deadline);
}

async function stopAll(stage: Stage): Promise<void> {
  const { supervisor, history, output } = stage;
  const beganAt = lastTime(history.events);
  await supervisor.stopAll();
  const wrong = supervisor.nodes.filter(({ state }) => state !== 'stopped').map(({ id }) => id);
  assert(wrong.length === 0, `${wrong.join(', ')} did not stop in time and had to be killed`);
  output.event('every process has ended, with code 0', lastTime(history.events) - beganAt);
}

async function audit({ history, output }: Stage): Promise<void> {
  const problems = auditHistory(history.events);
  assert(problems.length === 0, problems.join('\n'));
  const grants = grantsOf(history.events);
  const tickets = history.events.filter((event) => event.source === 'ledger' && event.type === 'accepted');
  output.event(`${tickets.length} tickets: numbers without a gap, tokens that never decrease, one node for each`);
  output.event(`${grants.length} grants: none began before the one before it had ended`);
}

interface Leader {
  readonly id: string;
  readonly token: bigint;
  readonly view: NodeView;
  readonly grant: { readonly node: string; readonly token: bigint };
}

function currentLeader({ supervisor }: Stage): Leader {
  const view = supervisor.leader;
  if (view?.grant === undefined) throw new Error('no node leads');
  const { token } = view.grant;
  return { id: view.id, token, view, grant: { node: view.id, token } };
}

function nextGrant(stage: Stage, after: bigint, mark: number): Promise<EventOf<'node', 'granted'>> {
  return find(stage, `a leader in a term after ${after}`, 'node', 'granted', ({ token }) => token > after, mark);
}

/** The first ticket with this token from `mark` on, and of at least this number. */
function nextTicket(stage: Stage, token: bigint, atLeast = 0, mark?: number): Promise<AcceptedTicket> {
  const isIt = (ticket: AcceptedTicket) => ticket.token === token && ticket.number >= atLeast;
  return find(stage, `a ticket with token ${token}`, 'ledger', 'accepted', isIt, mark);
}

function find<S extends HistoryEvent['source'], T extends HistoryEvent['type']>(
  { history, waitMs }: Stage,
  what: string,
  source: S,
  type: T,
  matches: (event: EventOf<S, T>) => boolean,
  mark?: number,
): Promise<EventOf<S, T>> {
  const pick = (event: HistoryEvent): EventOf<S, T> | undefined => {
    if (event.source !== source || event.type !== type) return undefined;
    const candidate = event as EventOf<S, T>;
    return matches(candidate) ? candidate : undefined;
  };
  return history.until(what, waitMs, pick, mark);
}

/** Resolves once the condition holds, looked at now and after each event. */
async function holds({ history, waitMs }: Stage, what: string, condition: () => boolean): Promise<void> {
  if (!condition()) await history.until(what, waitMs, () => (condition() ? true : undefined));
}

/** Nobody but this leader may get a grant, and its work goes on. */
async function staysLeader(stage: Stage, leader: Leader, mark: number, after = leader.token): Promise<void> {
  const { history, watchMs, output } = stage;
  await new Promise((resolve) => setTimeout(resolve, watchMs));
  const since = history.events.slice(-(history.mark - mark));
  const others = grantsOf(since).filter(({ token }) => token > after && token !== leader.token);
  const other = others[0];
  assert(other === undefined, `${leader.id} was deposed by ${other?.node} in term ${other?.token}`);
  await nextTicket(stage, leader.token);
  output.event(`${leader.id} still leads in term ${leader.token}, and was not disturbed in`, watchMs);
}

function isTicketSince(event: HistoryEvent, node: string, since: MachineMs): boolean {
  return event.source === 'ledger' && event.type === 'accepted' && event.node === node && event.at >= since;
}

function allConnected(nodes: readonly NodeView[]): boolean {
  return nodes.every(({ state, connected }) => state === 'running' && connected.length === nodes.length - 1);
}

function allFollow(nodes: readonly NodeView[], { node, token }: Leader['grant']): boolean {
  return nodes.every(({ leader }) => leader?.nodeId === node && leader.token === token);
}

function firstTime(events: readonly HistoryEvent[]): MachineMs {
  return events[0]?.at ?? 0;
}

function lastTime(events: readonly HistoryEvent[]): MachineMs {
  return events.at(-1)?.at ?? 0;
}
