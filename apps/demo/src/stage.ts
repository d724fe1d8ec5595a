import assert from 'node:assert/strict';
import { type EventOf, type GrantRecord, grantsOf, type HistoryEvent } from './history.ts';
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

/** What the steps of the script work with. */
export interface Stage extends Pick<Session, 'options' | 'supervisor' | 'history' | 'copies' | 'discovery'> {
  readonly output: ScriptOutput;
  readonly measures: Measure[];
  /** Within which everything that is waited for must have happened. */
  readonly waitMs: number;
  /** For how long something is watched that must not happen. */
  readonly watchMs: number;
  /** From one question of what a discovery finds to the next. */
  readonly askMs: number;
}

export interface Leader {
  readonly node: string;
  readonly token: bigint;
}

/** How often a leader may lose its lease because the machine is too busy to renew it, in one step. */
const MAX_LAPSES = 5;

export function makeStage(session: Session, output: ScriptOutput): Stage {
  const { options, supervisor, history, copies, discovery, election } = session;
  const longestMs = election.longestMs(options.profile);
  // Many processes take long to start on a small machine.
  const bounds = { waitMs: 15_000 + 2_000 * options.nodes + 10 * longestMs, watchMs: 2 * longestMs, askMs: 100 };
  return { options, supervisor, history, copies, discovery, output, measures: [], ...bounds };
}

/** The first event of this kind from `mark` on, or from now on, that matches. */
export function find<S extends HistoryEvent['source'], T extends HistoryEvent['type']>(
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
export async function holds({ history, waitMs }: Stage, what: string, condition: () => boolean): Promise<void> {
  if (!condition()) await history.until(what, waitMs, () => (condition() ? true : undefined));
}

export function nextGrant(stage: Stage, after: bigint, mark: number): Promise<EventOf<'node', 'granted'>> {
  return find(stage, `a leader in a term after ${after}`, 'node', 'granted', ({ token }) => token > after, mark);
}

/** The first ticket from `mark` on with this token or, should its leader have lost its lease again, a newer one. */
export function nextTicket(stage: Stage, token: bigint, mark?: number): Promise<AcceptedTicket> {
  const what = `a ticket with token ${token}`;
  return find(stage, what, 'ledger', 'accepted', (ticket) => ticket.token >= token, mark);
}

/** The leader, now or as soon as there is one. */
export async function aLeader(stage: Stage): Promise<Leader> {
  const look = () => leaderNow(stage);
  await holds(stage, 'a node leads', () => look() !== undefined);
  return look() ?? aLeader(stage);
}

/** Every node is connected to all others, and all agree on who leads. */
export function isTogether(stage: Stage): boolean {
  const leader = leaderNow(stage);
  return allConnected(stage.supervisor.nodes) && leader !== undefined && allFollow(stage.supervisor.nodes, leader);
}

export function allConnected(nodes: readonly NodeView[]): boolean {
  return nodes.every(({ state, connected }) => state === 'running' && connected.length === nodes.length - 1);
}

/**
 * The leader that was there at `mark` still leads a while from now, and works. A lease that ran out because the
 * machine was too busy to renew it is nobody's fault: then the next leader is watched.
 */
export async function staysLeader(stage: Stage, leader: Leader, mark: number): Promise<void> {
  const { history, watchMs, output } = stage;
  let watched = { leader, mark };
  for (let lapses = 0; lapses <= MAX_LAPSES; lapses += 1) {
    await new Promise((resolve) => setTimeout(resolve, watchMs));
    const { node, token } = watched.leader;
    const next = successorOf(history.since(watched.mark), token);
    if (next === undefined) {
      await nextTicket(stage, token);
      output.event(`${node} still leads in term ${token}: nobody disturbed it within`, watchMs);
      return;
    }
    await assertLapsed(stage, watched.leader, next, watched.mark);
    output.event(`${node}'s lease ran out: the machine was too busy to renew it; ${next.node} leads`);
    watched = { leader: await aLeader(stage), mark: history.mark };
  }
  throw new Error(`in ${MAX_LAPSES} terms no leader could renew its lease: this machine is too busy for this profile`);
}

async function assertLapsed(stage: Stage, { node, token }: Leader, next: GrantRecord, mark: number): Promise<void> {
  const isIt = (event: EventOf<'node', 'ended'>) => event.node === node && event.token === token;
  const ended = await find(stage, `${node}'s grant of term ${token} has ended`, 'node', 'ended', isIt, mark);
  assert(ended.lapsed, `${node} was healthy, and was deposed by ${next.node} in term ${next.token}`);
}

/** The first grant after this token. */
function successorOf(events: readonly HistoryEvent[], token: bigint): GrantRecord | undefined {
  return grantsOf(events).find((grant) => grant.token > token);
}

function leaderNow({ supervisor }: Stage): Leader | undefined {
  const { leader } = supervisor;
  if (leader?.grant === undefined || leader.state !== 'running') return undefined;
  return { node: leader.id, token: leader.grant.token };
}

function allFollow(nodes: readonly NodeView[], { node, token }: Leader): boolean {
  return nodes.every(({ leader }) => leader?.nodeId === node && leader.token === token);
}

export function timeOf(event: HistoryEvent | undefined): MachineMs {
  return event?.at ?? 0;
}
