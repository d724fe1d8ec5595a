import { staticDiscovery } from '@quorate/discovery-static';
import { describe, expect, it } from 'vitest';

import { compositions, serversOf } from '../src/compositions/composition.ts';
import { keepsItsPromises } from '../src/compositions/promises.ts';
import { SimulatedStage } from '../src/compositions/simulated-stage.ts';

const IDS = ['a', 'b', 'c'];
const simulated = compositions.filter((composition) => serversOf(composition).length === 0);

describe('compositions of parts that need no server', () => {
  it.each(simulated.map((composition) => [composition.name, composition] as const))('%s', async (name, composition) => {
    await using stage = new SimulatedStage(name, IDS);
    await keepsItsPromises(composition, stage);
  });

  it('are found out when their nodes do not find each other', async () => {
    const [composition] = simulated;
    if (composition === undefined) throw new Error('there is none');
    const alone = { name: 'alone', make: () => staticDiscovery({ nodes: [] }) };
    await using stage = new SimulatedStage('alone', IDS);
    const kept = keepsItsPromises({ ...composition, discovery: alone }, stage);
    await expect(kept).rejects.toThrow('waited in vain for the nodes to meet');
  });
});
