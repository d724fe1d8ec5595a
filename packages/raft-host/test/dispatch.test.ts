import { type ClusterError, type Clock, isClusterError } from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { OutcomeCodec } from '../src/commands/outcome-codec.ts';
import { Dispatch, type Leader } from '../src/dispatch.ts';
import { unmeasured } from './unmeasured.ts';
import type { Proposal } from '../src/proposals.ts';

/** The commands of one node, of which another leads, or nobody. */
class Node {
  readonly world: World = createWorld({ seed: 1 });
  readonly clock: Clock;
  readonly dispatch: Dispatch<null>;
  /** The time that each forwarded call was given. */
  readonly forwarded: number[] = [];
  /** How each command was rejected, by its name. */
  readonly rejected = new Map<string, ClusterError>();
  leader: Leader;

  constructor() {
    const host = this.world.host('a');
    host.start(() => undefined);
    this.clock = host.system.clock;
    const bytes = { encode: () => new Uint8Array(), decode: () => null };
    this.dispatch = new Dispatch<null>({
      clock: this.clock,
      codec: new OutcomeCodec(bytes),
      instruments: unmeasured,
      maxBytes: 1000,
      headroom: 0,
      time: () => 0,
      leader: () => this.leader,
      propose: () => ({ result: 'no-leader', index: 0, term: 0 }),
      forward: (_to, { timeoutMs }) => {
        this.forwarded.push(timeoutMs);
        return new Promise(() => undefined);
      },
      gather: () => undefined,
    });
  }

  command(name: string, timeoutMs: number): Proposal<null> {
    return {
      command: { kind: 'plain', data: new TextEncoder().encode(name) },
      deadline: this.clock.now() + timeoutMs,
      onAll: false,
      resolve: () => undefined,
      reject: (error) => this.rejected.set(name, error),
    };
  }

  /** Nothing runs for so long, as in a process that stands still. */
  async standStill(ms: number): Promise<void> {
    await this.world.run(ms);
  }

  outcomes(): readonly string[] {
    return [...this.rejected].map(
      ([name, error]) => `${name}: ${isClusterError(error) && error.code} ${error.outcome}`,
    );
  }
}

describe('commands whose time is over', () => {
  it('are not forwarded when the process stood still before it could', async () => {
    const node = new Node();
    node.leader = { nodeId: 'b' };
    node.dispatch.submit([node.command('short', 20)]);
    await node.standStill(30);
    node.dispatch.flush();
    expect(node.outcomes()).toEqual(['short: TIMEOUT not-applied']);
    expect(node.forwarded).toEqual([]);
  });

  it('are not forwarded when a leader is found too late for them', async () => {
    const node = new Node();
    node.dispatch.submit([node.command('short', 20)]);
    node.dispatch.submit([node.command('long', 100)]);
    await node.standStill(30);
    node.leader = { nodeId: 'b' };
    node.dispatch.leaderChanged();
    node.dispatch.flush();
    expect(node.outcomes()).toEqual(['short: QUORUM_LOST not-applied']);
    expect(node.forwarded).toEqual([70]);
  });

  it('do not take with them what was refused together with them, for want of a leader', async () => {
    const node = new Node();
    node.leader = 'self';
    node.dispatch.submit([node.command('short', 20)]);
    node.dispatch.submit([node.command('long', 100)]);
    node.dispatch.flush();
    node.leader = undefined;
    await node.standStill(30);
    node.dispatch.tick();
    expect(node.outcomes()).toEqual(['short: QUORUM_LOST not-applied']);
    await node.standStill(100);
    node.dispatch.tick();
    expect(node.outcomes()).toEqual(['short: QUORUM_LOST not-applied', 'long: QUORUM_LOST not-applied']);
  });
});
