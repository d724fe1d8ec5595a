import type { swimMembership } from '@quorate/membership-swim';
import { importMutant, type Mutation } from '../mutants.ts';

export type MembershipMutation = Mutation & {
  /** Where the search for a life that shows it begins. */
  readonly seed: number;
};

/** The rules of the membership, broken one at a time. */
export const membershipMutations: readonly MembershipMutation[] = [
  {
    name: 'a node that is called dead does not say otherwise',
    file: 'protocol/own-record.ts',
    find: 'this.#renew(nextVersion(heard));',
    replace: '',
    seed: 1,
  },
  {
    name: 'a node whose run counts for less than an earlier one does not insist',
    file: 'protocol/own-record.ts',
    find: 'this.#renew(nextEpoch(heard));',
    replace: '',
    seed: 1,
  },
  {
    name: 'old news of who left is believed',
    file: 'protocol/beliefs.ts',
    find: "if (!prevails(versionOf(state), 'left', known)) return;",
    replace: '',
    seed: 9,
  },
  {
    name: 'nobody is told that a node describes itself anew',
    file: 'membership-host.ts',
    find: 'this.#runner.enter((swim, now) => swim.describe(transport.self, now));',
    replace: '',
    seed: 1,
  },
  {
    name: 'a node that describes itself anew does so in a version that others know already',
    file: 'protocol/own-record.ts',
    find: '...nextVersion(self),',
    replace: '...(change.joinOrder === undefined ? {} : nextVersion(self)),',
    seed: 1,
  },
  {
    name: 'an exchange hands an old description on as one of the version that is accused',
    file: 'protocol/state-codec.ts',
    find: '(describedIn === undefined ? 0 : HAS_DESCRIBED_IN)',
    replace: '0',
    seed: 219,
  },
  {
    name: 'nobody is told that a node leaves',
    file: 'departure.ts',
    find: 'runner.enter((swim, now) => swim.leave(now));',
    replace: 'resolve();',
    seed: 16,
  },
];

/** The package with one rule broken. */
export async function brokenMembership(mutation: MembershipMutation): Promise<typeof swimMembership> {
  const parts = await importMutant<{ readonly swimMembership: typeof swimMembership }>('membership-swim', mutation);
  return parts.swimMembership;
}
