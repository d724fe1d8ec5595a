import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeId } from '@quorate/core';
import type { HistoryEvent } from './history.ts';
import { machineNow, type MachineMs } from './report.ts';
import { type Stage, timeOf } from './stage.ts';

/**
 * A node that runs asks its discovery until that no longer finds the one that was killed. A list that nodes were told
 * names it for ever: there is nothing to be seen.
 */
export async function forgetDead(stage: Stage): Promise<void> {
  const { supervisor, history, discovery, output } = stage;
  if (discovery.asked === undefined) return;
  const dead = supervisor.nodes.find(({ state }) => state === 'dead');
  assert(dead !== undefined, 'no node is dead');
  const killedAt = timeOf(history.events.findLast((event) => event.type === 'killed' && event.node === dead.id));
  const { forgetsWithinMs } = discovery.asked;
  const isForgotten = (found: readonly string[]) => !found.includes(dead.address);
  const { asker, at } = await askUntil(stage, isForgotten, killedAt + forgetsWithinMs);
  const limit = `within ${forgetsWithinMs} ms of the kill, as it should be`;
  output.event(`${asker}'s discovery no longer finds ${dead.id}, ${limit}`, at - killedAt);
}

/** Another node asks its discovery until that finds this one, which was started again. */
export async function findAgain(stage: Stage, back: NodeId, since: MachineMs): Promise<void> {
  const { supervisor, discovery, waitMs, output } = stage;
  if (discovery.asked === undefined) return;
  const { address } = supervisor.node(back);
  const isFound = (found: readonly string[]) => found.includes(address);
  const { asker, at } = await askUntil(stage, isFound, machineNow() + waitMs, back);
  output.event(`${asker}'s discovery finds ${back} again`, at - since);
}

interface Answer {
  readonly asker: NodeId;
  readonly at: MachineMs;
}

/** Fails when not even a question that was asked after the deadline is answered so. */
async function askUntil(
  stage: Stage,
  isSo: (found: readonly string[]) => boolean,
  deadline: MachineMs,
  besides?: NodeId,
): Promise<Answer> {
  const { supervisor, history, waitMs, askMs } = stage;
  const asker = supervisor.nodes.find(({ id, state }) => state === 'running' && id !== besides)?.id;
  assert(asker !== undefined, 'no node runs');
  const pick = (event: HistoryEvent) => (event.type === 'discovered' && event.node === asker ? event : undefined);
  for (;;) {
    const isLast = machineNow() > deadline;
    const mark = history.mark;
    supervisor.discover(asker);
    const { at, addresses, problem } = await history.until(`${asker} asks its discovery`, waitMs, pick, mark);
    assert(problem === undefined, `${asker}'s discovery can't tell: ${problem}`);
    if (isSo(addresses)) return { asker, at };
    assert(!isLast, `too late, ${asker}'s discovery finds ${addresses.join(', ') || 'nobody'}`);
    await pause(askMs);
  }
}
