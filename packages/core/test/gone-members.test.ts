import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forgettable, MAX_GONE_MEMBERS, type Member, withMember } from '../src/index.ts';

const member = (id: string, state: Member['state'] = 'alive', since = 0): Member => ({
  node: { id, host: 'h', port: 1 },
  state,
  incarnation: 1,
  since,
});

describe('the members of a view', () => {
  it('stand in the order of their ids, whoever comes and goes', () => {
    const id = fc.string({ maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(id, fc.array(id, { maxLength: 2 })), { maxLength: 30 }), (changes) => {
        let members: ReadonlyMap<string, Member> = new Map();
        const expected = new Set<string>();
        for (const [changed, forgotten] of changes) {
          for (const each of forgotten) expected.delete(each);
          expected.add(changed);
          members = withMember(members, member(changed), new Set(forgotten));
          expect([...members.keys()]).toEqual([...expected].sort((a, b) => (a < b ? -1 : 1)));
        }
      }),
    );
  });

  it('are forgotten when they went long ago, or are too many, the oldest first', () => {
    const all = new Map<string, Member>();
    for (let at = 0; at < MAX_GONE_MEMBERS; at += 1) all.set(`g${at}`, member(`g${at}`, 'left', 1000 + at));
    all.set('alive', member('alive', 'alive', 0));
    all.set('suspect', member('suspect', 'suspect', 0));
    expect(forgettable(all, 999)).toEqual(new Set());
    expect(forgettable(all, 1001)).toEqual(new Set(['g0', 'g1']));
    all.set('more', member('more', 'unreachable', 5000));
    expect(forgettable(all, 999)).toEqual(new Set(['g0']));
  });
});
