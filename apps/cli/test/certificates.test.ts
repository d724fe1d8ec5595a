import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProgram, NodeAuthority, reportAbsent } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OperatedCluster, quorate } from './operated-cluster.ts';

const hasOpenssl = findProgram('openssl') !== undefined;
if (!hasOpenssl) reportAbsent('openssl');

describe.skipIf(!hasOpenssl)('quorate, with a cluster whose nodes have certificates', () => {
  let folder: string;
  let cluster: OperatedCluster;
  let shown: readonly string[];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'quorate-cli-certificates-'));
    const authority = await NodeAuthority.create(folder);
    const ids = ['a', 'b', 'c', 'ops'];
    for (const id of ids) await authority.issue(id, { names: `URI:quorate://orders/${id}` });
    const file = (name: string, kind: 'pem' | 'key') => path.join(folder, `${name}.${kind}`);
    const certificates = (id: string) => ({ cert: file(id, 'pem'), key: file(id, 'key'), ca: authority.ca });
    cluster = await OperatedCluster.start({ certificates });
    shown = ['--cert', file('ops', 'pem'), '--key', file('ops', 'key'), '--ca', authority.ca];
  }, 120_000);
  afterAll(async () => {
    if (!hasOpenssl) return;
    await cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('is let in by a certificate of its own, under the name in it', async () => {
    const where = ['status', '--connect', cluster.address('a')];
    const { code, out, err } = await quorate([...where, '--cluster', 'orders', ...shown]);
    expect([code, err]).toEqual([0, '']);
    // The others may not have met it yet.
    expect(JSON.parse(out)).toMatchObject({
      cluster: 'orders',
      nodes: expect.arrayContaining([expect.objectContaining({ nodeId: 'a' })]),
    });
    const asOther = await quorate([...where, '--cluster', 'orders', '--id', 'a', ...shown]);
    expect(asOther).toMatchObject({ code: 2, err: expect.stringContaining('must name quorate://orders/a') });
    expect(await quorate([...where, '--cluster', 'bills', ...shown])).toMatchObject({ code: 2, out: '' });
    expect(await quorate([...where, '--cluster', 'orders'])).toMatchObject({ code: 3, out: '' });
  });
});
