import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { isClusterError } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { base64, CertificateAuthority, type CertificateFiles, EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { etcdEngine, type EtcdEngineOptions, etcdLeases, type EtcdTls } from '../../src/index.ts';
import { Following } from './following.ts';

const started = await EtcdCluster.start({ tls: true });
const withUsers = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
afterAll(async () => {
  await started?.[Symbol.asyncDispose]();
  await withUsers?.[Symbol.asyncDispose]();
});
const system = nodeSystem();
const bytes = (text: string) => new TextEncoder().encode(text);
const quick = { timeoutMs: 2_000, memberTimeoutMs: 1_000 };

async function read(authority: CertificateAuthority, { cert, key }: CertificateFiles): Promise<EtcdTls> {
  return { ca: await authority.pem(), cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

describe.skipIf(started === undefined)('a client of an etcd that asks for certificates', () => {
  const etcd = started as EtcdCluster;
  const authority = started?.authority as CertificateAuthority;
  let own: EtcdTls;
  let foreign: EtcdTls;
  let folder: string;

  beforeAll(async () => {
    own = await read(authority, await authority.issue('client'));
    folder = await mkdtemp(path.join(tmpdir(), 'quorate-foreign-'));
    const other = await CertificateAuthority.create(folder);
    foreign = await read(other, await other.issue('client'));
  });
  afterAll(async () => await rm(folder, { recursive: true }));
  const open = (tls: EtcdEngineOptions['tls']) =>
    etcdEngine({ endpoints: etcd.endpoints, ...quick, ...(tls === undefined ? {} : { tls }) }).open(system);

  it('is let in with one that their authority signed', async () => {
    using client = open(own);
    await client.put('/tls', bytes('x'));
    expect((await client.list('/tls')).entries).toHaveLength(1);
  });

  it('is refused without one, and refuses members whose authority it does not know', async () => {
    for (const tls of [{ ca: own.ca ?? '' }, { ...own, ca: foreign.ca ?? '' }, undefined]) {
      using client = open(tls);
      const error = await client.list('/tls').catch((failure: unknown) => failure);
      expect(isClusterError(error, 'DISCONNECTED')).toBe(true);
      expect(String(error)).not.toMatch(/BEGIN/u);
    }
  });

  it('takes up a certificate that was changed, whoever changed it', async () => {
    let current = foreign;
    using client = open(async () => current);
    await expect(client.list('/tls')).rejects.toThrow();
    current = own;
    await client.put('/tls', bytes('y'));
    // The members show another one from now on.
    await authority.issue('member');
    await etcd.member(0).kill();
    await etcd.member(0).start();
    await client.put('/tls', bytes('z'));
  });
});

describe.skipIf(withUsers === undefined)('a client of an etcd with users', () => {
  const etcd = withUsers as EtcdCluster;
  const ROOT = { name: 'root', password: 'of-root' };
  let token: string;
  const asRoot = (call: string, body: object) => etcd.ask(`auth/${call}`, body, { token });
  const logIn = async () => {
    token = (await etcd.ask('auth/authenticate', ROOT)).token ?? '';
  };
  const open = (password: NonNullable<EtcdEngineOptions['password']>) =>
    etcdEngine({ endpoints: etcd.endpoints, username: 'node', password, ...quick }).open(system);

  it('needs no login where there are no users, and logs in once there are', async () => {
    using client = open('secret-1');
    await client.put('/users/a', bytes('x'));
    for (const user of [ROOT, { name: 'node', password: 'secret-1' }]) await etcd.ask('auth/user/add', user);
    await etcd.ask('auth/role/add', { name: 'nodes' });
    const perm = { permType: 'READWRITE', key: base64('/users/'), range_end: base64('/users0') };
    await etcd.ask('auth/role/grant', { name: 'nodes', perm });
    await etcd.ask('auth/user/grant', { user: 'node', role: 'nodes' });
    await etcd.ask('auth/user/grant', { user: 'root', role: 'root' });
    await etcd.ask('auth/enable', {});
    await logIn();
    await client.put('/users/b', bytes('x'));
    expect((await client.list('/users/')).entries).toHaveLength(2);
  });

  it('is refused for what it may not do, and for a wrong password, without telling that', async () => {
    using client = open('secret-1');
    const denied = await client.put('/elsewhere', bytes('x')).catch((error: unknown) => error);
    expect(isClusterError(denied, 'REFUSED')).toBe(true);
    using wrong = open('not-the-password');
    const refused = await wrong.list('/users/').catch((error: unknown) => error);
    expect(isClusterError(refused, 'REFUSED')).toBe(true);
    expect(String(refused) + JSON.stringify(refused)).not.toContain('not-the-password');
    await using following = new Following(system.clock, client, '/elsewhere/');
    while (following.failures === 0) await client.get('/users/a');
  });

  it('goes on with a password that was changed, its lease and all that it follows', async () => {
    let password = 'secret-1';
    using client = open(() => password);
    using outdated = open('secret-1');
    await using following = new Following(system.clock, client, '/users/', { livenessMs: 300 });
    await following.until((keys) => keys.join() === 'a,b');
    await outdated.list('/users/');
    const lease = await client.grantLease({ ttlMs: 2_000 });
    await client.put('/users/c', bytes('x'), { lease: lease.id });
    const { deadline } = lease;
    password = 'secret-2';
    await asRoot('user/changepw', { name: 'node', password });
    await client.put('/users/d', bytes('x'));
    await following.until((keys) => keys.join() === 'a,b,c,d');
    while (lease.deadline < deadline + 2_000) await client.get('/users/a');
    expect(lease.isValid()).toBe(true);
    expect(following.keys.join()).toBe('a,b,c,d');
    await expect(outdated.list('/users/')).rejects.toThrow(/authentication failed/u);
  });

  it('logs in again where etcd has forgotten the login', async () => {
    using client = open('secret-2');
    await client.list('/users/');
    await etcd.member(0).kill();
    await etcd.member(0).start();
    await client.put('/users/e', bytes('x'));
    await logIn();
    // Any change of rights makes tokens of before outdated.
    await asRoot('user/add', { name: 'somebody', password: 'else' });
    await client.put('/users/f', bytes('x'));
  });

  it('holds and hands over a lease with rights for the keys of its name alone, and is refused elsewhere', async () => {
    const perm = { permType: 'READWRITE', key: base64('/leads/leader'), range_end: base64('/leads/leades') };
    await asRoot('role/grant', { name: 'nodes', perm });
    const secured = { endpoints: etcd.endpoints, username: 'node', password: 'secret-2', ...quick };
    await using leases = etcdLeases(etcdEngine(secured), system);
    const open = (nodeId: string, name = '/leads/leader') => {
      const identity = { nodeId, incarnation: 1, claim: 0 };
      return leases.open({ name, identity, ttlMs: 5_000, share: { kind: 'exclusive' } });
    };
    await using a = open('a');
    await using b = open('b');
    const hold = await a.acquire({});
    if (!('token' in hold)) expect.fail('a has not got it');
    expect('token' in (await b.acquire({}))).toBe(false);
    const stop = new AbortController();
    const following = b.follow(() => undefined, stop);
    await hold.renew({});
    await hold.release({});
    let next = await b.acquire({});
    while (!('token' in next)) next = await b.acquire({});
    expect(next.token).toBeGreaterThan(hold.token);
    stop.abort();
    await following;
    await using elsewhere = open('a', '/elsewhere/leader');
    await expect(elsewhere.acquire({})).rejects.toMatchObject({ code: 'REFUSED' });
  });
});
