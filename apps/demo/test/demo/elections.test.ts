import { describe, expect, it } from 'vitest';
import { elections } from '../../src/elections.ts';
import { namesOf } from '../../src/parts.ts';

describe('the elections that can be chosen', () => {
  it.each(namesOf(elections))('%s says for how long there may be no leader', async (name) => {
    const choice = await elections[name].load();
    expect(choice.longestMs('fast')).toBeLessThanOrEqual(choice.longestMs('lan'));
    expect(choice.asked === undefined).toBe(elections[name].place === undefined);
  });

  it('find their server in what a discovery asks', async () => {
    const { asked } = await elections.kubernetes.load();
    expect(asked?.sharedWith('app=web@/home/me/.kube/config')).toBe('/home/me/.kube/config');
  });
});
