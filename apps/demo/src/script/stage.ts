import type { NodeId } from '@quorate/core';
import { raftProfiles } from '@quorate/replicator-raft';
import type { Session } from '../demo/session.ts';
import type { NodeView } from '../demo/supervisor.ts';

/** Where the script tells what happened. */
export interface ScriptOutput {
  step(title: string): void;
  /** @param tookMs how long it took, where that was measured */
  event(text: string, tookMs?: number): void;
}

/** A figure for the summary. */
export interface Measure {
  readonly what: string;
  /** Until a client that began afterwards was told that something is accepted. */
  readonly acceptedMs: number;
  /** Until something of that was delivered; where it was measured. */
  readonly deliveredMs: number | undefined;
}

/** What the steps of the script work with. */
export interface Stage extends Session {
  readonly output: ScriptOutput;
  readonly measures: Measure[];
  /** Within which everything that is waited for must have happened. */
  readonly waitMs: number;
}

export function makeStage(session: Session, output: ScriptOutput): Stage {
  const { options, election } = session;
  const electionMs = Math.max(election.longestMs(options.profile), 2 * raftProfiles[options.profile].electionMs);
  // Many processes take long to start on a small machine.
  return { ...session, output, measures: [], waitMs: 60_000 + 4_000 * options.nodes + 10 * electionMs };
}

/** Resolves once the condition holds, with how long that took. */
export async function holds(stage: Stage, what: string, condition: () => boolean): Promise<number> {
  const beganAt = performance.now();
  await stage.supervisor.until(what, condition, stage.waitMs);
  return performance.now() - beganAt;
}

/** Who leads the log, now or as soon as somebody does. */
export async function aLeader(stage: Stage): Promise<NodeView> {
  await holds(stage, 'a node leads the log', () => stage.supervisor.leader !== undefined);
  return stage.supervisor.leader ?? aLeader(stage);
}

/** Every node runs, says that the same one leads, sees all others alive, and has applied what that one had committed. */
export function isWhole({ supervisor }: Stage): boolean {
  const { nodes, leader } = supervisor;
  const led = leader?.status?.replication;
  return led !== undefined && nodes.every((node) => isPartOf(node, nodes.length, led.term, leader?.id));
}

function isPartOf({ process, status }: NodeView, count: number, term: number, leader: NodeId | undefined): boolean {
  const { replication, members = [] } = status ?? {};
  const alive = members.filter(({ state }) => state === 'alive').length;
  return process === 'running' && alive === count && replication?.term === term && replication.leader === leader;
}

/** Whether a node has applied what the leader had committed when this was called first. */
function caughtUp({ supervisor }: Stage, id: NodeId): () => boolean {
  const target = supervisor.leader?.status?.replication?.commitIndex ?? 0;
  return () => (supervisor.node(id).status?.replication?.appliedIndex ?? -1) >= target;
}

/** Waits until clients are served that begin now, and keeps how long that took for the summary. */
export async function service(stage: Stage, what: string): Promise<void> {
  const { traffic, supervisor, waitMs, output, measures } = stage;
  const beganAt = performance.now();
  let served: Awaited<ReturnType<typeof traffic.served>> | undefined = undefined;
  const watch = traffic.served().then((result) => (served = result));
  await Promise.race([watch, supervisor.until('clients are served', () => served !== undefined, waitMs)]);
  const { acceptedAt, deliveredAt } = await watch;
  output.event('a message was accepted that was published from then on', acceptedAt - beganAt);
  output.event('and one was delivered', deliveredAt - beganAt);
  measures.push({ what, acceptedMs: acceptedAt - beganAt, deliveredMs: deliveredAt - beganAt });
}

/** Waits until all is as before a fault. */
export async function recovery(stage: Stage, since: number): Promise<void> {
  await holds(stage, 'all nodes are one cluster again', () => isWhole(stage));
  for (const { id } of stage.supervisor.nodes) {
    await holds(stage, `${id} has all that was committed`, caughtUp(stage, id));
  }
  stage.output.event('all nodes follow one leader, and have all that was committed', performance.now() - since);
}
