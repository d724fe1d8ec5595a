import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OperatedCluster, quorate, SECRET } from './operated-cluster.ts';

/** Processes are started, which takes long where many others are. */
const SLOW_MACHINE_MS = 120_000;
const DAMAGED_AT = 4096 + 30;
const IDS = ['a', 'b', 'c'];

/** What differs from run to run, by a name. */
function golden(text: string, cluster: OperatedCluster): string {
  let shown = stripVTControlCharacters(text);
  for (const [id, address] of cluster.addresses) shown = shown.replaceAll(address, `address-of-${id}`);
  return shown
    .replaceAll(/"(incarnation|forMs)":\d+/gu, '"$1":0')
    .replaceAll(/\b\d+ (?:ms|s|min)\b/gu, 'AGO')
    .replaceAll(/ {2,}/gu, '  ');
}

describe('quorate, with a cluster of three processes that have a secret', { timeout: SLOW_MACHINE_MS }, () => {
  let cluster: OperatedCluster;
  let file: string;
  beforeAll(async () => {
    cluster = await OperatedCluster.start({ ballastBytes: 200_000 });
    file = path.join(cluster.folder, 'state.qbak');
    for (const id of IDS) await cluster.leader(id);
  }, SLOW_MACHINE_MS);
  afterAll(async () => cluster[Symbol.asyncDispose]());

  it('tells who is there: as JSON where there is no terminal, in a table on one', async () => {
    const { code, out } = await cluster.quorate(['members']);
    const member = (id: string) =>
      `{"nodeId":"${id}","membership":{"state":"alive","address":"address-of-${id}","incarnation":0,"forMs":0,` +
      `"metadata":{"shard":"${id.toUpperCase()}"}},` +
      `"raft":{"role":"voter","wants":"voter"}}`;
    expect([code, golden(out, cluster)]).toEqual([0, `{"members":[${IDS.map(member).join(',')}]}\n`]);
    const table = await cluster.quorate(['members'], { isTTY: true });
    const row = (id: string) => `${id}  alive  AGO  address-of-${id}  -  voter  -  shard=${id.toUpperCase()}`;
    const rows = ['NODE  STATE  FOR  ADDRESS  ZONE  VOTE  BECOMES  METADATA', ...IDS.map(row), ''];
    expect([table.code, golden(table.out, cluster).split('\n')]).toEqual([0, rows]);
    expect(table.out).toContain('\u001B[1mNODE');
    const forced = await cluster.quorate(['members', '--json'], { isTTY: true });
    expect(forced.out).toMatch(/^\{"members"/u);
  });

  it('tells how each node is, by what it says itself', async () => {
    const { code, out } = await cluster.quorate(['status']);
    const told = JSON.parse(out) as { cluster: string; nodes: { nodeId: string; report: Record<string, unknown> }[] };
    expect([code, told.cluster]).toEqual([0, 'orders']);
    expect(told.nodes.map(({ nodeId, report }) => [nodeId, report['allow'], report['status']])).toEqual(
      IDS.map((id) => [id, 'all', 'running']),
    );
    const table = await cluster.quorate(['status', '--table']);
    expect(table.out).toMatch(/^cluster +orders.*\nleader +\w, token \d+\nlog led by +\w, term \d+\n\nNODE/u);
    expect(table.out.split('\n').filter((line) => / leader /u.test(line))).toHaveLength(1);
  });

  it('hands leadership over, and events tell of it as it happens', async () => {
    const before = await cluster.leader();
    const to = IDS.find((id) => id !== before) ?? '';
    const following = new AbortController();
    const seen: { readonly number: number; readonly type: string; readonly nodeId?: string }[] = [];
    const told = Promise.withResolvers<void>();
    const events = cluster.quorate(['events', '--follow'], {
      connect: 'c',
      signal: following.signal,
      onLine: (line) => {
        seen.push(JSON.parse(line));
        const { type, nodeId } = seen.at(-1) ?? {};
        if (type === 'leader' && nodeId === to) told.resolve();
      },
    });
    const transferred = await cluster.quorate(['transfer', to]);
    expect(transferred).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`"leader":"${to}"`) });
    await told.promise;
    following.abort();
    expect((await events).code).toBe(0);
    expect(seen.map(({ number }) => number)).toEqual(seen.map((_, at) => at + 1));
    expect(await cluster.quorate(['transfer', 'nobody'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/nobody is no candidate/u),
    });
  });

  it('saves the state of a cluster under load; restored elsewhere, all is there that was acknowledged', async () => {
    const rest = await cluster.load('b');
    const before = await rest();
    const again = await cluster.load('b');
    const { code, out, err } = await cluster.quorate(['snapshot', 'save', file], { connect: 'c' });
    await again();
    expect([code, err]).toEqual([0, '']);
    const saved = JSON.parse(out) as { bytes: number; index: number };
    expect(saved.bytes).toBeGreaterThan(200_000);
    expect(await cluster.quorate(['snapshot', 'save', file])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/is there already/u),
    });

    // Interrupted, nothing is left, and the node has room for others at once.
    for (let time = 0; time < 3; time += 1) {
      const interrupted = new AbortController();
      const saving = cluster.quorate(['snapshot', 'save', `${file}.1`], { signal: interrupted.signal });
      await expect.poll(() => readdir(cluster.folder), { interval: 1 }).toContain('state.qbak.1.part');
      interrupted.abort();
      expect(await saving).toEqual({ code: 130, out: '', err: 'quorate: interrupted\n' });
    }
    expect((await readdir(cluster.folder)).filter((name) => name.startsWith('state'))).toEqual(['state.qbak']);

    const inspected = await quorate(['snapshot', 'inspect', file]);
    expect(JSON.parse(inspected.out)).toMatchObject({ index: saved.index, group: 1 });
    const data = path.join(cluster.folder, 'restored');
    const restore = ['snapshot', 'restore', file, '--data', data, '--node', 'a'];
    const restored = await quorate([...restore, '--table']);
    expect([restored.code, restored.out]).toMatchObject([
      0,
      expect.stringMatching(/then add b, c, with empty folders/u),
    ]);
    expect(await quorate(restore)).toMatchObject({
      code: 6,
      err: expect.stringMatching(/nothing is restored over it/u),
    });
    const group = await quorate(['log', 'inspect', '--data', data, '--node', 'a']);
    expect(JSON.parse(group.out)).toMatchObject({
      nodeId: 'a',
      snapshotIndex: saved.index,
      members: [{ nodeId: 'a' }],
    });

    await cluster.startNode('alone', { nodeId: 'a', directory: data, port: 0, seedNodes: [] });
    expect(await cluster.sum('alone')).toBeGreaterThanOrEqual(before);
    await cluster.stop('alone');
  });

  it('finds damage in a snapshot', async () => {
    const bytes = await readFile(file);
    bytes.writeUInt8((bytes.readUInt8(bytes.length - 100) + 1) % 256, bytes.length - 100);
    const damaged = `${file}.damaged`;
    await writeFile(damaged, bytes);
    const data = path.join(cluster.folder, 'fresh');
    expect(await quorate(['snapshot', 'inspect', damaged])).toMatchObject({ code: 5, out: '' });
    expect((await quorate(['snapshot', 'restore', damaged, '--data', data, '--node', 'a'])).code).toBe(5);
    // What was tried in vain is no group: it can be tried again.
    expect((await quorate(['snapshot', 'restore', file, '--data', data, '--node', 'a'])).code).toBe(0);
  });

  it('lets in who has the secret, in its cluster, and nobody else', async () => {
    const where = ['status', '--connect', cluster.address('a')];
    const other = { env: { QUORATE_SECRET: 'quite another secret' } };
    const refused = await quorate([...where, '--cluster', 'orders'], other);
    expect(refused).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringMatching(/is the secret that of the cluster "orders"\?\n$/u),
    });
    expect(refused.err).not.toContain('quite another');
    expect(refused.err.trimEnd()).not.toContain('\n');
    expect(await quorate([...where, '--cluster', 'orders'])).toMatchObject({ code: 3 });
    const elsewhere = await quorate([...where, '--cluster', 'bills'], { env: { QUORATE_SECRET: SECRET } });
    expect(elsewhere).toMatchObject({ code: 3, err: expect.stringMatching(/cluster/u) });
    expect(await quorate(['status', '--connect', '127.0.0.1:1'])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/does a node run there/u),
    });
    const secretFile = path.join(cluster.folder, 'secret');
    await writeFile(secretFile, `${SECRET}\n`);
    const several = ['status', '--connect', `127.0.0.1:1,${cluster.address('b')}`, '--cluster', 'orders'];
    expect((await quorate([...several, '--secret-file', secretFile])).code).toBe(0);
    const members = await cluster.quorate(['members']);
    expect(members.out).not.toContain('quorate-');
  });

  it('says what is wrong with how it was called, in one line', async () => {
    for (const argv of [
      ['frobnicate'],
      ['transfer'],
      ['transfer', '-'],
      ['status', '--connect', 'nowhere'],
      ['status', '--secret', SECRET],
      ['status', '--cert', 'a.pem'],
      ['status', '--secret-file', '/nowhere'],
      ['bench'],
      ['log', 'verify'],
      ['log', 'verify', '--data', cluster.folder],
      ['snapshot', 'inspect', '/nowhere'],
      ['members', '--json', '--table'],
    ]) {
      const { code, out, err } = await quorate(argv);
      expect([argv, code, out, err.split('\n')]).toEqual([argv, 2, '', [expect.stringMatching(/^quorate: /u), '']]);
    }
    expect(await quorate(['--help'])).toMatchObject({ code: 0, out: expect.stringMatching(/snapshot/u) });
  });

  it('has a node leave; its log is then sound, and a damaged one is found by file and offset', async () => {
    expect(await quorate(['log', 'verify', '--data', cluster.dataOf('c')])).toMatchObject({
      code: 7,
      err: expect.stringMatching(/stop the node/u),
    });
    const { code, out } = await cluster.quorate(['leave', 'c']);
    expect([code, JSON.parse(out)]).toEqual([0, { node: 'c', isGone: true }]);
    await cluster.exited('c');
    const data = cluster.dataOf('c');
    const sound = await quorate(['log', 'verify', '--data', data]);
    expect([sound.code, JSON.parse(sound.out)]).toMatchObject([0, { isSound: true, groups: [{ group: 1 }] }]);
    const group = await quorate(['log', 'inspect', '--data', data]);
    expect(JSON.parse(group.out)).toMatchObject({ nodeId: 'c', members: IDS.map((nodeId) => ({ nodeId })) });

    const [segment = ''] = (await readdir(path.join(data, 'log'))).filter((name) => name.endsWith('.segment'));
    const at = path.join(data, 'log', segment);
    const kept = await readFile(at);
    const bytes = Buffer.from(kept);
    // In the second frame, behind which others say that it was synced.
    bytes.writeUInt8((bytes.readUInt8(DAMAGED_AT) + 1) % 256, DAMAGED_AT);
    await writeFile(at, bytes);
    const damaged = await quorate(['log', 'verify', '--data', data]);
    expect(damaged).toMatchObject({ code: 5, out: '', err: expect.stringContaining(segment) });
    expect(damaged.err).toMatch(/offset \d+|at \d+|byte \d+/u);
    // Looking at it has not changed it.
    expect(await readFile(at)).toEqual(bytes);
    await writeFile(at, kept);
  });

  it('is refused what changes something by a node that is read-only', async () => {
    await cluster.startNode('c', { allow: 'read-only' });
    await cluster.leader('c');
    for (const argv of [
      ['transfer', 'a'],
      ['remove', 'a'],
      ['add', 'd'],
      ['leave', 'c'],
    ]) {
      expect(await cluster.quorate(argv, { connect: 'c' })).toMatchObject({
        code: 6,
        out: '',
        err: expect.stringMatching(/read-only/u),
      });
    }
    expect((await cluster.quorate(['status'], { connect: 'c' })).code).toBe(0);
    expect(await cluster.quorate(['leave', 'c'])).toMatchObject({ code: 6 });
  });

  it('measures the ways of a cluster that lives', async () => {
    const { code, out } = await cluster.quorate(['bench', '--seconds', '0.1']);
    const { times } = JSON.parse(out) as { times: { name: string; count: number; p50Ms: number; p99Ms: number }[] };
    expect([code, times.map(({ name }) => name)]).toEqual([0, ['to a', 'by a to b', 'by a to c', 'barrier on a']]);
    for (const { count, p50Ms, p99Ms } of times) expect(count > 0 && p50Ms > 0 && p99Ms >= p50Ms).toBe(true);
  });

  it('goes on telling what a node sees when the leader is lost, and ends when the node is', async () => {
    const begun = new Map(['a', 'c'].map((id) => [id, Promise.withResolvers<void>()] as const));
    const [lost, following] = [Promise.withResolvers<void>(), new AbortController()];
    let isKilled = false;
    const [ofA, ofC] = ['a', 'c'].map((connect) =>
      cluster.quorate(['events', '--follow'], {
        connect,
        signal: following.signal,
        onLine: (line) => {
          begun.get(connect)?.resolve();
          if (connect === 'a' && isKilled && line.includes('no leader is known')) lost.resolve();
        },
      }),
    );
    for (const each of begun.values()) await each.promise;
    isKilled = true;
    await Promise.all([cluster.kill('b'), cluster.kill('c')]);
    expect(await ofC).toMatchObject({ code: 3, err: expect.stringMatching(/^quorate: [^\n]+\n$/u) });
    await lost.promise;
    following.abort();
    expect(await ofA).toMatchObject({ code: 0, err: '' });
  });

  it('says that there is no quorum, and still saves what a node has', async () => {
    const lost = await cluster.quorate(['snapshot', 'save', `${file}.2`, '--timeout', '3500']);
    expect(lost).toMatchObject({ code: 4, err: expect.stringMatching(/knows no leader|leader/u) });
    expect(await cluster.quorate(['snapshot', 'save', `${file}.2`, '--local'])).toMatchObject({ code: 0 });
    const { code, out } = await cluster.quorate(['status']);
    expect([code, out.includes('"nodeId":"b"')]).toEqual([0, true]);
  });

  it('makes a new group of what one node has, when the others are lost for good', async () => {
    const force = ['force-new-cluster', '--data', cluster.dataOf('a')];
    expect(await quorate(force)).toMatchObject({ code: 7, err: expect.stringMatching(/stop the node/u) });
    const before = await cluster.sum('a');
    await cluster.kill('a');
    expect(await quorate([...force, '--node', 'b'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/is the folder of a/u),
    });
    const forced = await quorate([...force, '--table']);
    expect(forced).toMatchObject({ code: 0, err: '' });
    expect(forced.out).toMatch(/the group of a alone, up to entry \d+\n/u);
    expect(forced.out).toMatch(/^b, c: members no more/mu);
    const group = await quorate(['log', 'inspect', '--data', cluster.dataOf('a')]);
    expect(JSON.parse(group.out)).toMatchObject({ nodeId: 'a', members: [{ nodeId: 'a' }] });

    await cluster.startNode('a');
    // It applies what it had once it has won its election.
    await expect.poll(() => cluster.sum('a'), { timeout: 30_000 }).toBeGreaterThanOrEqual(before);
    expect((await cluster.quorate(['members'])).out).not.toContain('"b"');

    // Asked is who is connected first, and that is one who waits for a place.
    await rm(cluster.dataOf('b'), { recursive: true });
    await cluster.startNode('b');
    await expect.poll(async () => (await cluster.quorate(['members'])).out, { timeout: 30_000 }).toContain('"b"');
    expect(await cluster.quorate(['add', 'b'], { connect: 'b' })).toMatchObject({ code: 0 });
  });
});
