import { findProgram, reportAbsent } from '@quorate/test-servers';
import { describe, expect, it } from 'vitest';
import { elections } from '../src/elections.ts';
import { namesOf } from '../src/parts.ts';
import { openSession } from '../src/session.ts';

const isThere = findProgram('etcd') !== undefined;
if (!isThere) reportAbsent('etcd');

describe('servers that are asked who leads', () => {
  it.skipIf(!isThere)('are those that the discovery of the same name asks', async () => {
    const parts = { discovery: 'etcd', election: 'etcd', profile: 'fast' } as const;
    const unset = { data: undefined, registry: undefined, elector: undefined, secret: undefined };
    const given = { nodes: 1, script: true, membership: 'connection', ...unset, ...parts } as const;
    await using session = await openSession(given);
    session.supervisor.start('a');
    await session.history.until('it leads', 20_000, ({ type }) => (type === 'granted' ? true : undefined), 0);
    const [node] = session.supervisor.nodes;
    expect(node?.grant).toBeDefined();
  });

  it.each(namesOf(elections))('%s says for how long there may be no leader', async (name) => {
    const choice = await elections[name].load();
    expect(choice.longestMs('fast')).toBeLessThanOrEqual(choice.longestMs('lan'));
    expect(choice.asked === undefined).toBe(elections[name].place === undefined);
  });

  it('are found in what a discovery asks', async () => {
    const { asked } = await elections.kubernetes.load();
    expect(asked?.sharedWith('app=web@/home/me/.kube/config')).toBe('/home/me/.kube/config');
  });
});
