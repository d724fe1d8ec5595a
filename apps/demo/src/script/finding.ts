import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeId } from '@quorate/core';
import type { Stage } from './stage.ts';

/** From one question of what a discovery finds to the next. */
const ASK_MS = 100;

type Asking = Pick<Stage, 'supervisor' | 'waitMs'>;

/**
 * A node that runs asks its discovery until that no longer finds the one that was killed. A list that nodes were told
 * names it for ever: there is nothing to be seen.
 */
export async function forgetDead(stage: Asking & Pick<Stage, 'discovery' | 'output'>, dead: NodeId, killedAt: number) {
  const { supervisor, discovery, output } = stage;
  if (discovery.asked === undefined) return;
  const { address } = supervisor.node(dead);
  const { forgetsWithinMs } = discovery.asked;
  const { asker, at } = await askUntil(stage, (found) => !found.includes(address), killedAt + forgetsWithinMs, dead);
  const limit = `within ${forgetsWithinMs} ms of the kill, as it should be`;
  output.event(`${asker}'s discovery no longer finds ${dead}, ${limit}`, at - killedAt);
}

/** Another node asks its discovery until that finds this one, which was started again. */
export async function findAgain(stage: Asking & Pick<Stage, 'discovery' | 'output'>, back: NodeId, since: number) {
  const { supervisor, discovery, waitMs, output } = stage;
  if (discovery.asked === undefined) return;
  const { address } = supervisor.node(back);
  const { asker, at } = await askUntil(stage, (found) => found.includes(address), performance.now() + waitMs, back);
  output.event(`${asker}'s discovery finds ${back} again`, at - since);
}

/** Fails when not even a question that was asked after the deadline is answered so. */
async function askUntil(
  { supervisor, waitMs }: Asking,
  isSo: (found: readonly string[]) => boolean,
  deadline: number,
  besides: NodeId,
): Promise<{ readonly asker: NodeId; readonly at: number }> {
  const asker = supervisor.nodes.find(({ id, process }) => process === 'running' && id !== besides)?.id;
  assert(asker !== undefined, 'no node runs');
  for (;;) {
    const isLast = performance.now() > deadline;
    const { addresses, problem } = await supervisor.discover(asker, AbortSignal.timeout(waitMs));
    assert(problem === undefined, `${asker}'s discovery can't tell: ${problem}`);
    if (isSo(addresses)) return { asker, at: performance.now() };
    assert(!isLast, `too late, ${asker}'s discovery finds ${addresses.join(', ') || 'nobody'}`);
    await pause(ASK_MS);
  }
}
