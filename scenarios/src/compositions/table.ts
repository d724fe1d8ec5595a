import { createCluster, isClusterError } from '@quorate/core';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { discoveries } from './discoveries.ts';
import { elections } from './elections.ts';
import { type Composition, compositions, optionsOf, serversOf } from './composition.ts';
import type { Place } from './place.ts';
import { replicators } from './replicators.ts';

/** What `createCluster` is told to leave out. */
type Lack = 'transport' | 'storage';

const HEAD = `# Compositions

Every discovery with every election with every replicator, as the tests run them: three nodes, which know each other from
their discovery alone, meet and follow one leader, count in a replicated tally where there is one, and go on when the leader
stops and comes back. This page is made from what the tests run, by \`npx vitest run scenarios/test/compositions-page.test.ts -u\`.

*simulated*: whole nodes on simulated streams, datagrams and disks, which \`npm test\` runs. Otherwise the servers are
named beside which the nodes run, over loopback and on real disks: \`.ci/run\` runs them all, \`npm test\` those in which
each part occurs once.
`;

/** Nothing is asked of these: parts are chosen, and none is made. */
const place: Place = {
  name: 'page',
  nodes: ['a', 'b', 'c'].map((id, at) => ({ id, host: '127.0.0.1', port: 7000 + at })),
  isSimulated: false,
  servers: {
    consul: { address: 'http://127.0.0.1:8500' },
    dns: { address: '127.0.0.1:53', serve: () => Promise.resolve() },
    etcd: { endpoints: ['http://127.0.0.1:2379'] },
    kubernetes: {
      url: 'https://127.0.0.1:6443',
      tokens: { admin: '' },
      serviceAccount: (name) => `/nowhere/${name}`,
      call: () => Promise.resolve(''),
    },
  },
  multicastPort: 45_981,
};

/** The page `docs/compositions.md`. */
export function compositionsPage(): string {
  const columns = elections.flatMap((election) =>
    replicators.map((replicator) => ({ election: election.name, replicator: replicator.name })),
  );
  const titles = columns.map(
    ({ election, replicator }) => `${election}${replicator === 'none' ? '' : ` + ${replicator}`}`,
  );
  const rows = discoveries.map((discovery) => [
    discovery.name,
    ...columns.map(({ election, replicator }) => cell(`${discovery.name}-${election}-${replicator}`)),
  ]);
  const refusals = refused();
  return [
    HEAD,
    '## What runs\n',
    markdown(['discovery', ...titles], rows),
    '\n## What is refused when the cluster is built\n',
    markdown(['election', 'replicator', 'without', 'because'], refusals),
  ].join('\n');
}

function cell(name: string): string {
  const composition = compositions.find((each) => each.name === name);
  if (composition === undefined) return '';
  const reason = refusal(composition);
  if (reason !== undefined) return `refused: ${reason}`;
  return serversOf(composition).join(', ') || 'simulated';
}

function refused(): readonly (readonly string[])[] {
  return elections.flatMap((election) =>
    replicators.flatMap((replicator) =>
      (['transport', 'storage'] as const).flatMap((lack) => {
        const reason = refusal({ election, replicator }, lack);
        return reason === undefined ? [] : [[election.name, replicator.name, lack, reason]];
      }),
    ),
  );
}

/** Why no cluster is made of it; undefined when one is. */
function refusal(composition: Partial<Composition>, lack?: Lack): string | undefined {
  const ground = {
    ...(lack !== 'transport' && { transport: memoryTransport({ network: memoryNetwork() }) }),
    ...(lack !== 'storage' && { storage: memoryStorage({ disk: memoryDisk() }) }),
  };
  const parts = optionsOf(composition, place);
  try {
    createCluster({ nodeId: 'a', ...ground, ...parts });
    return undefined;
  } catch (error) {
    if (isClusterError(error, 'INVALID_OPTIONS')) return error.message;
    throw error;
  }
}

function markdown(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line), ''].join('\n');
}
