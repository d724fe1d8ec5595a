import { connectionMembership, type Membership, type MembershipView } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { membershipContract, type MembershipHarness } from '../src/index.ts';
import { altered, failuresOf } from './recording-runner.ts';

type Change = (membership: Membership) => Partial<Membership>;

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  [
    'changes a view that it gave away',
    'a view never changes; a change makes another',
    (membership) => {
      const members = new Map(membership.view.members);
      return {
        get view(): MembershipView {
          for (const [id, member] of membership.view.members) members.set(id, member);
          return { version: membership.view.version, members };
        },
      };
    },
  ],
  [
    'leaves itself out',
    'the view has this node, alive, with its address',
    (membership) => ({
      get view(): MembershipView {
        const { version, members } = membership.view;
        return { version, members: new Map([...members].slice(1)) };
      },
    }),
  ],
  [
    'tells the order in which it met the others for that in which they joined',
    'where the order of joining is told, all see the same, and who joins later is later',
    (membership) => ({
      get view(): MembershipView {
        const { version, members } = membership.view;
        const ordered = [...members].map(([id, member]) => [id, { ...member, joinOrder: member.since + 1 }] as const);
        return { version, members: new Map(ordered) };
      },
    }),
  ],
  [
    'tells a leave as a failure',
    'a node that stops in order has left',
    (membership) => ({
      watch: async function* (options) {
        for await (const change of membership.watch(options)) {
          yield change.type === 'left' ? { ...change, type: 'failed', reason: 'connection_closed' } : change;
        }
      },
    }),
  ],
  [
    'tells a change twice',
    'a node that joins is told once, to every watch',
    (membership) => ({
      watch: async function* (options) {
        for await (const change of membership.watch(options)) {
          yield change;
          yield change;
        }
      },
    }),
  ],
  [
    'says that it has left before anybody was told',
    'leave: has been marked by a majority of the others when it resolves',
    () => ({ leave: () => Promise.resolve() }),
  ],
  [
    'is content with being told by itself',
    'leave: rejects with TIMEOUT when the others cannot be told',
    (membership) => ({ leave: (options) => membership.leave(options).catch(() => undefined) }),
  ],
  [
    'waits for an answer though nobody is there',
    'leave: resolves at once when nobody else is alive',
    (membership) => ({
      leave: (options) => (membership.view.members.size > 1 ? new Promise(() => undefined) : membership.leave(options)),
    }),
  ],
  [
    'tells a leave again and again',
    'leave: is told once, and neither failure nor return follow, though the node is still there',
    (membership) => ({
      watch: async function* (options) {
        for await (const change of membership.watch(options)) {
          yield change;
          if (change.type === 'left') yield { ...change, type: 'joined' };
        }
      },
    }),
  ],
  [
    'keeps to itself how it describes itself',
    'description: is told to all, the node itself too, once and with its view',
    () => ({ describe: () => undefined }),
  ],
  [
    'says nothing of a description that it does not take',
    'description: that is none, or too large, is refused with INVALID_OPTIONS, and nothing changes',
    (membership) => ({
      describe: (description) => {
        try {
          membership.describe?.(description);
        } catch {
          // As if it had been taken.
        }
      },
    }),
  ],
  [
    'tells of a description that is the same',
    'description: that says the same again is told to nobody',
    (membership) => ({
      describe: (description) => {
        membership.describe?.({ ...description, metadata: { ...description.metadata, again: '' } });
        membership.describe?.(description);
      },
    }),
  ],
  [
    'does not let a call be aborted',
    'lifecycle: aborting while leave waits ends it',
    (membership) => ({ leave: () => membership.leave() }),
  ],
  [
    'can be started after its end',
    'start after dispose rejects with CLOSED',
    () => ({ start: () => Promise.resolve() }),
  ],
];

function alteredMembership(change: Change): MembershipHarness {
  return {
    name: 'connection-membership, altered',
    create: () => {
      const plugin = connectionMembership();
      return { ...plugin, create: (context) => altered(plugin.create(context), change) };
    },
  };
}

describe('the suite for memberships', () => {
  it('passes one that keeps the contract', async () => {
    const failures = await failuresOf((runner) =>
      membershipContract(
        runner,
        alteredMembership(() => ({})),
      ),
    );
    expect([...failures]).toEqual([]);
  });
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches one that ${breach}`, async () => {
      const failures = await failuresOf((runner) => membershipContract(runner, alteredMembership(change)));
      expect([...failures.keys()]).toContain(caughtBy);
    });
  }
});
