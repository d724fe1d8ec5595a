import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { handOver } from '../src/hand-over.ts';

type Group = Parameters<typeof handOver>[0];

interface Scene {
  readonly world: World;
  readonly transfers: string[];
  /** Something happens in the group. */
  readonly turn: (change: object) => void;
  /** Whether it is done. */
  readonly isDone: () => boolean;
}

/** A group that is being closed, as far as that sees it. */
async function scene(status: object, isIdle: boolean, successors: readonly string[] = ['b']): Promise<Scene> {
  const world = createWorld({ seed: 'hand over' });
  const host = world.host('a');
  host.start(() => undefined);
  const transfers: string[] = [];
  const listeners = new Set<() => void>();
  const onTurn = (listener: () => void): Disposable => {
    listeners.add(listener);
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  };
  const group = {
    settings: { timings: { electionMs: 1000 } },
    status,
    isIdle,
    successors: () => successors,
    transferLeader: (to: string) => void transfers.push(to),
    users: { onTurn },
  };
  let done = false;
  void handOver(group as unknown as Group, host.system.clock).then(() => (done = true));
  await world.run(10);
  const turn = (change: object): void => {
    Object.assign(group, change);
    for (const listener of listeners) listener();
  };
  return { world, transfers, turn, isDone: () => done };
}

const LEADS = { role: 'leader', leader: 'a' };
const FOLLOWS = { role: 'follower', leader: 'b' };

describe('a group that is closed', () => {
  it('hands over, and waits until another leads and all that was asked for is done', async () => {
    const { world, transfers, turn, isDone } = await scene(LEADS, false);
    expect(transfers).toEqual(['b']);
    turn({ status: { role: 'follower', leader: undefined } });
    turn({ status: FOLLOWS });
    await world.run(100);
    expect(isDone()).toBe(false);
    turn({ isIdle: true });
    await world.run(1);
    expect(isDone()).toBe(true);
  });

  it('waits for what is left of a leadership that was handed over before', async () => {
    const { world, turn, isDone } = await scene(FOLLOWS, false);
    turn({});
    await world.run(100);
    expect(isDone()).toBe(false);
    turn({ isIdle: true });
    await world.run(1);
    expect(isDone()).toBe(true);
  });

  it('is closed at once when nothing waits, and after an election time when nobody takes over', async () => {
    expect((await scene(FOLLOWS, true)).isDone()).toBe(true);
    expect((await scene(LEADS, false, [])).isDone()).toBe(true);
    const { world, isDone } = await scene(LEADS, true);
    await world.run(900);
    expect(isDone()).toBe(false);
    await world.run(200);
    expect(isDone()).toBe(true);
  });
});
