import type { Membership, MembershipChange, MembershipView, NodeDescription, NodeId, Plugin } from '@quorate/core';

import { expectThat } from './expectations.ts';
import type { RefusedOptions } from './lifecycle.ts';
import { NodeCluster, type NodeHarness } from './node-cluster.ts';
import type { TestBed } from './test-bed.ts';

/** How to test a membership. */
export interface MembershipHarness extends NodeHarness {
  readonly create: () => Plugin<Membership, 'membership'>;
  /**
   * Whether the membership has `describe`.
   * @default true
   */
  readonly describes?: boolean;
  /** Options that the factory must refuse. */
  readonly refuses?: RefusedOptions;
  /**
   * How soon every node must have seen a change of another.
   * @default 60000 in a simulated world, 15000 on a real machine
   */
  readonly noticedWithinMs?: number;
}

const IDS = ['a', 'b', 'c'];

/** Three nodes of which two run, and see each other. */
export class MembershipFixture implements AsyncDisposable {
  readonly cluster: NodeCluster<Membership>;
  readonly noticedWithinMs: number;

  private constructor(harness: MembershipHarness, bed: TestBed) {
    const recipe = { kind: 'membership', plugin: harness.create() } as const;
    this.cluster = new NodeCluster(bed, IDS, recipe, harness.nodes);
    this.noticedWithinMs = harness.noticedWithinMs ?? (bed.world === undefined ? 15_000 : 60_000);
  }

  static async open(harness: MembershipHarness, bed: TestBed): Promise<MembershipFixture> {
    const fixture = new MembershipFixture(harness, bed);
    await fixture.cluster.startAll(['a', 'b']);
    await fixture.everybodySees({ a: 'alive', b: 'alive' });
    return fixture;
  }

  /** Waits until all who run see the members in these states, and no others. */
  everybodySees(states: Readonly<Record<string, string>>): Promise<void> {
    return this.sees(
      this.cluster.live.map(({ id }) => id),
      states,
    );
  }

  async sees(ids: readonly string[], states: Readonly<Record<string, string>>): Promise<void> {
    const seen = () => ids.every((id) => sameStates(this.cluster.part(id).view, states));
    await this.cluster.bed.until(`${ids.join(', ')} to see ${JSON.stringify(states)}`, seen, this.noticedWithinMs);
  }

  /** Has a node describe itself. */
  describe(id: string, description: NodeDescription): void {
    const part = this.cluster.part(id);
    expectThat(part.describe !== undefined, 'the membership has describe');
    part.describe(description);
  }

  /** Waits until these see that a node has said this of itself, and that it lives. */
  async seesSaid(ids: readonly string[], id: string, said: NodeDescription): Promise<void> {
    const shown = JSON.stringify([said.weight, said.metadata]);
    const seen = (by: string): boolean => {
      const member = this.cluster.part(by).view.members.get(id);
      const isSaid = JSON.stringify([member?.node.weight, member?.node.metadata]) === shown;
      return isSaid && member?.state === 'alive';
    };
    await this.cluster.bed.until(
      `${ids.join(', ')} to see ${shown} of ${id}`,
      () => ids.every((by) => seen(by)),
      this.noticedWithinMs,
    );
  }

  stateOf(id: NodeId, seenBy: NodeId): string | undefined {
    return this.cluster.part(seenBy).view.members.get(id)?.state;
  }

  /** Everything that a node is told from now on. */
  changes(id: string): readonly MembershipChange[] {
    const changes: MembershipChange[] = [];
    void collect(this.cluster.part(id).watch(), changes);
    return changes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cluster[Symbol.asyncDispose]();
  }
}

function sameStates({ members }: MembershipView, states: Readonly<Record<string, string>>): boolean {
  return members.size === Object.keys(states).length && [...members].every(([id, { state }]) => states[id] === state);
}

async function collect<T>(values: AsyncIterable<T>, into: T[]): Promise<void> {
  for await (const value of values) into.push(value);
}
