import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';

import { type CertificateSet, type Cluster, createCluster, Keyring, type Logger } from '@quorate/core';
import { findProgram, NodeAuthority, reportAbsent } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { tcpTransport } from '../src/index.ts';
import { isConnected, realSystem, startNode, type TestNode, until } from './harness.ts';

const DAY_MS = 24 * 3_600_000;
const quick = { reconnect: { minMs: 5, maxMs: 20 } };
let folder: string;
let authority: NodeAuthority;

const hasOpenssl = findProgram('openssl') !== undefined;
if (!hasOpenssl) reportAbsent('openssl');

beforeAll(async () => {
  if (!hasOpenssl) return;
  folder = await mkdtemp(path.join(tmpdir(), 'quorate-certificates-'));
  authority = await NodeAuthority.create(folder);
});
afterAll(async () => hasOpenssl && rm(folder, { recursive: true, force: true }));

/** Certificates that a test puts in force by itself. */
class Certificates {
  current: CertificateSet;
  readonly #watchers = new Set<() => void>();

  constructor(set: CertificateSet) {
    this.current = set;
  }

  change(set: CertificateSet): void {
    this.current = set;
    for (const told of this.#watchers) told();
  }

  onChange(told: () => void): Disposable {
    this.#watchers.add(told);
    return { [Symbol.dispose]: () => void this.#watchers.delete(told) };
  }
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8');
}

async function setOf(name: string, names = `URI:quorate://test/${name}`, validTo?: number): Promise<CertificateSet> {
  const files = await authority.issue(name, { names, ...(validTo === undefined ? {} : { validTo }) });
  return { cert: await read(files.cert), key: await read(files.key), ca: await read(authority.ca) };
}

function refusals(node: TestNode): readonly string[] {
  return node.events.flatMap((event) => (event.type === 'refused' ? [event.error.message] : []));
}

/** A node dials one that has certificates; that one refuses it, and takes one that is in order. */
async function expectRefused(id: string, set: CertificateSet | undefined, why: RegExp, crl?: string) {
  const own = { ...(await setOf('a')), ...(crl === undefined ? {} : { crl }) };
  await using a = await startNode({ id: 'a', certificates: new Certificates(own) });
  const shown = set && { certificates: new Certificates(set) };
  await using b = await startNode({ id, transport: quick, ...shown });
  b.transport.addContact(a.address);
  await until(() => refusals(a).length > 0 && b.events.some(({ type }) => type === 'unreachable'));
  expect(refusals(a)[0]).toMatch(why);
  // The one that was refused is told too, and so is its log.
  expect(b.events.find((event) => event.type === 'unreachable')).toMatchObject({ error: { code: 'REFUSED' } });
  await using honest = await startNode({ id: 'c', certificates: new Certificates(await setOf('c')) });
  honest.transport.addContact(a.address);
  await until(() => isConnected(a, 'c') && isConnected(honest, 'a'));
  expect(isConnected(a, id) || isConnected(b, 'a')).toBe(false);
}

describe.skipIf(!hasOpenssl)('nodes with certificates', () => {
  it.each([
    ['a URI', (id: string) => `URI:quorate://test/${id}`],
    ['a DNS name', (id: string) => `DNS:${id}`],
    ['the common name', () => 'DNS:elsewhere.example.com'],
  ])('connect, named by %s', async (_, names) => {
    await using a = await startNode({ id: 'a', certificates: new Certificates(await setOf('a', names('a'))) });
    await using b = await startNode({ id: 'b', certificates: new Certificates(await setOf('b', names('b'))) });
    b.transport.addContact(a.address);
    await until(() => isConnected(a, 'b') && isConnected(b, 'a'));
    expect([refusals(a), refusals(b)]).toEqual([[], []]);
  });

  it('refuse one that shows the certificate of another node', async () => {
    await expectRefused('b', await setOf('x'), /the certificate that b shows is that of quorate:\/\/test\/x/u);
  });

  it('refuse one whose certificate is for another cluster, though its other names fit', async () => {
    await expectRefused('b', await setOf('b', 'URI:quorate://other/b,DNS:b'), /is that of quorate:\/\/other\/b/u);
  });

  it('refuse an expired one', async () => {
    await expectRefused('b', await setOf('b', 'DNS:b', Date.now() - 60_000), /its certificate has expired/u);
  });

  it('refuse a revoked one', async () => {
    const set = await setOf('revoked', 'URI:quorate://test/revoked');
    await authority.revoke(path.join(folder, 'revoked.pem'));
    await expectRefused('revoked', set, /its certificate was revoked/u, await read(authority.crl));
  });

  it('refuse one of another authority', async () => {
    const elsewhere = await mkdtemp(path.join(folder, 'other-'));
    const other = await NodeAuthority.create(elsewhere);
    const files = await other.issue('b', { names: 'URI:quorate://test/b' });
    // It trusts the right one: so that it is refused, and doesn't refuse itself.
    const set = { cert: await read(files.cert), key: await read(files.key), ca: await read(authority.ca) };
    await expectRefused('b', set, /of an authority that is not trusted here/u);
  });

  it('refuse one that shows nothing', async () => {
    await expectRefused('b', undefined, /does not speak TLS/u);
  });

  it('are refused by one that has a secret and no certificate, whoever dials', async () => {
    await using a = await startNode({ id: 'a', certificates: new Certificates(await setOf('a')), transport: quick });
    await using b = await startNode({ id: 'b', keyring: new Keyring({ use: 'a secret of tests' }), transport: quick });
    const refused = (node: TestNode) =>
      node.events.some((event) => event.type === 'unreachable' && event.error.code === 'REFUSED');
    b.transport.addContact(a.address);
    await until(() => refused(b));
    a.transport.addContact(b.address);
    await until(() => refused(a) && refusals(b).length > 0);
    expect(isConnected(a, 'b') || isConnected(b, 'a')).toBe(false);
  });

  it('resume no session, which could outlive the certificate', async () => {
    await using a = await startNode({ id: 'a', certificates: new Certificates(await setOf('a')) });
    const { cert, key, ca } = await setOf('b');
    const dial = async (session?: Buffer) => {
      const options = { ...a.address, cert, key, ca, session, checkServerIdentity: () => undefined };
      const stream = connect(options);
      stream.on('error', () => undefined);
      const tickets: Buffer[] = [];
      stream.on('session', (ticket: Buffer) => tickets.push(ticket));
      await until(() => tickets.length > 0);
      const isReused = stream.isSessionReused();
      stream.destroy();
      return { ticket: tickets[0], isReused };
    };
    const { ticket } = await dial();
    expect((await dial(ticket)).isReused).toBe(false);
  });

  it('part from a peer whose certificate is revoked, once they have read that', async () => {
    const of = { a: await setOf('a'), revoked: await setOf('revoked', 'URI:quorate://test/revoked') };
    const certificates = new Certificates({ ...of.a, crl: await read(authority.crl) });
    await using a = await startNode({ id: 'a', certificates, transport: quick });
    await using b = await startNode({ id: 'revoked', certificates: new Certificates(of.revoked), transport: quick });
    await using c = await startNode({ id: 'c', certificates: new Certificates(await setOf('c')) });
    for (const node of [b, c]) node.transport.addContact(a.address);
    await until(() => isConnected(a, 'revoked') && isConnected(a, 'c'));
    await authority.revoke(path.join(folder, 'revoked.pem'));
    expect(isConnected(a, 'revoked')).toBe(true);
    certificates.change({ ...of.a, crl: await read(authority.crl) });
    await until(() => !isConnected(a, 'revoked') && refusals(a).length > 0);
    expect(refusals(a)[0]).toMatch(/its certificate was revoked/u);
    expect(a.events.some((event) => event.type === 'disconnected' && event.peer.node.id === 'c')).toBe(false);
  });

  it('part from peers of an authority that is no longer trusted, and keep those of one that is', async () => {
    const elsewhere = await mkdtemp(path.join(folder, 'next-'));
    const next = await NodeAuthority.create(elsewhere);
    const files = await next.issue('b', { names: 'URI:quorate://test/b' });
    const both = `${await read(authority.ca)}\n${await read(next.ca)}`;
    const own = { ...(await setOf('a')), ca: both };
    const certificates = new Certificates(own);
    await using a = await startNode({ id: 'a', certificates });
    const ofB = { cert: await read(files.cert), key: await read(files.key), ca: both };
    await using b = await startNode({ id: 'b', certificates: new Certificates(ofB) });
    await using c = await startNode({ id: 'c', certificates: new Certificates({ ...(await setOf('c')), ca: both }) });
    for (const node of [b, c]) node.transport.addContact(a.address);
    await until(() => isConnected(a, 'b') && isConnected(a, 'c'));
    certificates.change({ ...own, ca: await read(next.ca) });
    await until(() => !isConnected(a, 'c'));
    expect(isConnected(a, 'b')).toBe(true);
  });
});

describe.skipIf(!hasOpenssl)('certificates as files of a cluster', () => {
  function quiet(lines: string[]): Logger {
    const take = (text: string) => void lines.push(text);
    return { debug: take, info: take, warn: take, error: take };
  }

  function clusterOf(id: string, files: { cert: string; key: string }, lines: string[] = []): Cluster {
    return createCluster({
      name: 'test',
      nodeId: id,
      transport: tcpTransport(quick),
      certificates: { ...files, ca: authority.ca, reloadIntervalMs: 100 },
      system: realSystem,
      logger: quiet(lines),
    });
  }

  it('are read at the start, and again when they have changed; a broken set leaves the former one', async () => {
    const lines: string[] = [];
    const first = await authority.issue('one', { names: 'URI:quorate://test/one' });
    await using a = clusterOf('one', first, lines);
    await a.start();
    const connect = async (id: string) => {
      const node = await startNode({ id, certificates: new Certificates(await setOf(id)) });
      node.transport.addContact(a.transport.self);
      await until(() => isConnected(node, 'one'));
      return node;
    };
    await using b = await connect('b');
    // Half of a set: the key of another certificate.
    const next = await authority.issue('next', { names: 'URI:quorate://test/one' });
    await copyFile(next.key, first.key);
    await until(() => lines.some((line) => /can't be used, the former ones stay/u.test(line)));
    await using c = await connect('c');
    await copyFile(next.cert, first.cert);
    await until(() => lines.some((line) => /were read again/u.test(line)));
    await using d = await connect('d');
    expect([b, c, d].every((node) => isConnected(node, 'one'))).toBe(true);
    expect(lines.filter((line) => /can't be used/u.test(line))).toHaveLength(1);
  });

  it('are not used while an authority, or a list of revoked ones, is there by half', async () => {
    const own = await setOf('one');
    const crl = await read(authority.crl);
    for (const half of [
      { ...own, ca: `${own.ca}\n${own.ca.slice(0, -40)}` },
      { ...own, crl: `${crl}\n${crl.slice(0, -40)}` },
      { ...own, cert: `${own.cert}\n${own.ca.slice(0, -40)}` },
    ]) {
      expect(() => realSystem.net.inspectCertificates?.(half)).toThrow(/only half of it is there/u);
    }
    expect(realSystem.net.inspectCertificates?.({ ...own, crl })?.uris).toEqual(['quorate://test/one']);
  });

  it.each<[string, () => Promise<{ cert: string; key: string }>, RegExp]>([
    ['a file that is missing', async () => ({ cert: `${folder}/none.pem`, key: `${folder}/none.key` }), /none\.pem/u],
    [
      'a certificate of another node',
      () => authority.issue('x', { names: 'URI:quorate://test/x' }),
      /must name quorate:\/\/test\/one, got quorate:\/\/test\/x/u,
    ],
    [
      'one that has expired',
      () => authority.issue('one', { names: 'DNS:one', validTo: Date.now() - DAY_MS / 2 }),
      /cert has expired/u,
    ],
    [
      'a key of another certificate',
      async () => {
        const [one, other] = [
          await authority.issue('one', { names: 'DNS:one' }),
          await authority.issue('y', { names: 'DNS:y' }),
        ];
        return { cert: one.cert, key: other.key };
      },
      /can't be used/u,
    ],
    [
      'what is none',
      async () => {
        await writeFile(`${folder}/noise.pem`, 'noise');
        return { cert: `${folder}/noise.pem`, key: `${folder}/noise.pem` };
      },
      /can't be used/u,
    ],
  ])('keep a cluster from starting: %s', async (_, files, why) => {
    const cluster = clusterOf('one', await files());
    await expect(cluster.start()).rejects.toThrow(why);
  });
});
