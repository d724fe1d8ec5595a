import {
  ConsulServer,
  EtcdCluster,
  findKubernetes,
  KnotServer,
  KubernetesServer,
  reportAbsent,
} from '@quorate/test-servers';
import { afterAll, describe, it } from 'vitest';

import { compositions, isSample, serversOf } from '../src/compositions/composition.ts';
import type { Servers } from '../src/compositions/place.ts';
import { keepsItsPromises } from '../src/compositions/promises.ts';
import { RealStage } from '../src/compositions/real-stage.ts';

const IDS = ['a', 'b', 'c'];
const programs = findKubernetes();
const started = {
  consul: await ConsulServer.start(),
  dns: await KnotServer.start(),
  etcd: await EtcdCluster.start(),
  kubernetes: programs && (await KubernetesServer.start(programs)),
};
if (started.consul === undefined) reportAbsent('consul');
if (started.dns === undefined) reportAbsent('knotd');
if (started.etcd === undefined) reportAbsent('etcd');
if (started.kubernetes === undefined) reportAbsent('kube-apiserver');
const servers: Partial<Servers> = Object.fromEntries(
  Object.entries(started).filter(([, server]) => server !== undefined),
);
afterAll(async () => {
  for (const server of Object.values(started)) await server?.[Symbol.asyncDispose]();
});

/** QUORATE_COMPOSITIONS=all: not the sample that tests make do with, but every one. */
const isWanted = process.env['QUORATE_COMPOSITIONS'] === 'all' ? () => true : isSample;
const real = compositions.filter((composition) => serversOf(composition).length > 0 && isWanted(composition));

describe('compositions of parts that need servers', () => {
  for (const composition of real) {
    const isThere = serversOf(composition).every((name) => servers[name] !== undefined);
    it.skipIf(!isThere)(composition.name, { timeout: 60_000 }, async () => {
      await using stage = await RealStage.open(composition.name, IDS, servers);
      await keepsItsPromises(composition, stage);
    });
  }
});
