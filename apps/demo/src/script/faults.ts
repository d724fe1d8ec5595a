import assert from 'node:assert/strict';
import type { NodeId } from '@quorate/core';
import { NoAnswer, NodesClient } from '../traffic/nodes-client.ts';
import { findAgain, forgetDead } from './finding.ts';
import { aLeader, holds, isWhole, recovery, service, type Stage } from './stage.ts';

/** For how long a node that is cut off may take to say that it can't. */
const CUT_OFF_MS = 1_000;
/** Within which all know, where nothing comes in between. */
const ELECTED_MS = 5_000;

export async function killLeader(stage: Stage): Promise<void> {
  const { supervisor, output } = stage;
  const { id, pid, status } = await aLeader(stage);
  output.event(`${id}, which leads the log in term ${status?.replication?.term}, is process ${pid}: kill -9`);
  const killedAt = performance.now();
  const killed = supervisor.kill(id);
  await service(stage, 'SIGKILL of the leader');
  await killed;
  await forgetDead(stage, id, killedAt);
  const startedAt = performance.now();
  supervisor.start(id);
  output.event(`${id} is started again`);
  await recovery(stage, startedAt);
  await findAgain(stage, id, startedAt);
}

export async function pauseLeader(stage: Stage): Promise<void> {
  const { supervisor, output } = stage;
  const { id } = await aLeader(stage);
  output.event(`${id}, which leads the log, is paused: SIGSTOP`);
  supervisor.pause(id);
  await service(stage, 'SIGSTOP of the leader');
  await anotherLeads(stage, id);
  const resumedAt = performance.now();
  supervisor.resume(id);
  output.event(`${id} is continued`);
  await recovery(stage, resumedAt);
}

export async function cutOffLeader(stage: Stage): Promise<void> {
  const { supervisor, output } = stage;
  const { id, url } = await aLeader(stage);
  const others = supervisor.nodes.map((node) => node.id).filter((other) => other !== id);
  const minority = [id, ...others.slice(0, Math.ceil(supervisor.nodes.length / 2) - 2)];
  supervisor.cut([minority]);
  output.event(`${minority.join(', ')} ${minority.length === 1 ? 'is' : 'are'} cut off from the others`);
  await service(stage, 'network cut around the leader');
  await anotherLeads(stage, id);
  await assertCutOff(id, url);
  output.event(`${id}, on the side of the few, answers nobody as if it still led`);
  const healedAt = performance.now();
  supervisor.heal();
  output.event('the network is whole again');
  await recovery(stage, healedAt);
}

export async function cutPower(stage: Stage): Promise<void> {
  const { supervisor, output } = stage;
  await Promise.all(supervisor.nodes.map(({ id }) => supervisor.kill(id)));
  output.event('every process was killed at once: SIGKILL');
  const startedAt = performance.now();
  for (const { id } of supervisor.nodes) supervisor.start(id);
  output.event('and all are started again, on what is on their disks');
  await service(stage, 'power cut, from the start of the processes');
  await recovery(stage, startedAt);
}

export async function restartInTurn(stage: Stage): Promise<void> {
  const { supervisor, traffic, output, measures } = stage;
  const beganAt = performance.now();
  traffic.takeLongestGapMs();
  // The leader last: each hands over what it leads, and so it is handed over once.
  const leader = (await aLeader(stage)).id;
  const order = [...supervisor.nodes.map(({ id }) => id).filter((id) => id !== leader), leader];
  for (const id of order) {
    const stoppedAt = performance.now();
    await supervisor.stop(id);
    assert(supervisor.node(id).process === 'stopped', `${id} did not stop in order`);
    supervisor.start(id);
    await holds(stage, `${id} is back`, () => isWhole(stage));
    output.event(`${id} was stopped gracefully, and is back`, performance.now() - stoppedAt);
  }
  const gapMs = traffic.takeLongestGapMs();
  output.event('all were restarted, one after the other', performance.now() - beganAt);
  output.event('in which the longest time without an accepted message was', gapMs);
  measures.push({ what: 'rolling restart, longest time without', acceptedMs: gapMs, deliveredMs: undefined });
}

export async function transfer(stage: Stage): Promise<void> {
  const { supervisor, traffic, output, measures, options } = stage;
  const elected = supervisor.nodes.find(({ status }) => status?.elected !== undefined)?.status?.elected?.id;
  const target = supervisor.nodes.find(({ id }) => id !== elected && id !== supervisor.leader?.id)?.id;
  assert(target !== undefined, 'there is no node to hand over to');
  traffic.takeLongestGapMs();
  const beganAt = performance.now();
  if (!(await handOver(stage, target))) {
    output.event(`the election ${options.election} hands over to nobody in particular, and says so`);
    return;
  }
  output.event(
    `${target} is elected instead of ${elected ?? 'nobody'}, as it was asked for`,
    performance.now() - beganAt,
  );
  const gapMs = traffic.takeLongestGapMs();
  output.event('in which the longest time without an accepted message was', gapMs);
  measures.push({ what: 'transfer of leadership, longest time without', acceptedMs: gapMs, deliveredMs: undefined });
}

/**
 * Asks until all nodes say so: on a machine that is busy nobody may lead just then, or whoever was elected be so no longer.
 * Resolves to false where the election can't.
 */
async function handOver({ supervisor, controls, waitMs }: Stage, target: NodeId): Promise<boolean> {
  const isElected = () => supervisor.nodes.every(({ status }) => status?.elected?.id === target);
  const deadline = performance.now() + waitMs;
  for (;;) {
    const refused = await controls.act({ action: 'transfer', node: target }).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (refused?.includes('hands over to nobody in particular') === true) return false;
    const what = `every node says that ${target} is elected`;
    const told = await supervisor.until(what, isElected, ELECTED_MS).then(
      () => true,
      () => false,
    );
    if (told) return true;
    assert(performance.now() < deadline, `${what}: it did not happen within ${waitMs} ms; ${refused ?? ''}`);
  }
}

async function anotherLeads(stage: Stage, former: NodeId): Promise<void> {
  const { supervisor, output } = stage;
  const term = supervisor.node(former).status?.replication?.term ?? 0;
  const isIt = () => supervisor.leader !== undefined && supervisor.leader.id !== former;
  await holds(stage, `another than ${former} leads`, isIt);
  const next = supervisor.leader;
  output.event(`${next?.id ?? '?'} leads the log, in term ${next?.status?.replication?.term ?? term}`);
}

/** A linearizable read: whoever answers it must still lead, or know who does. */
async function assertCutOff(id: NodeId, url: string): Promise<void> {
  const client = new NodesClient({ urls: [url], timeoutMs: CUT_OFF_MS });
  const answer = await client.attempt({ method: 'GET', path: '/v1/queues', signal: AbortSignal.timeout(CUT_OFF_MS) });
  assert(answer instanceof NoAnswer || answer.status >= 500, `${id} still answers, and can't know that it may`);
}
