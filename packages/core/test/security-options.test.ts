import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { namesNode } from '../src/certificates.ts';
import {
  createCluster,
  isClusterError,
  Keyring,
  type Plugin,
  readClusterOptions,
  type Transport,
} from '../src/index.ts';
import { fakeTransport, FakeTransport } from './fake-parts.ts';

const plain = fakeTransport(new FakeTransport());
const transport: Plugin<Transport, 'transport'> = { ...plain, provides: ['secured-streams'] };
const secret = 'sixteen or more characters';
const certificates = { cert: '/a.pem', key: '/a.key', ca: '/ca.pem' };

function refusal(options: object): string {
  try {
    createCluster({ nodeId: 'a', ...options });
  } catch (error) {
    if (isClusterError(error, 'INVALID_OPTIONS')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('what keeps strangers out', () => {
  it.each([
    { transport, secret },
    { transport, keyring: new Keyring({ use: secret }) },
    { transport, certificates },
    { transport, certificates, secret },
    {
      transport,
      certificates: { ...certificates, crl: '/crl.pem', reloadIntervalMs: 1000 },
      bind: '0.0.0.0:1',
      advertise: 'a:1',
    },
    { transport: plain, secret, enabled: false },
  ])('is taken: %j', (options) => {
    expect(refusal(options)).toBe('accepted');
  });

  it.each<[object, RegExp]>([
    [{ transport, secret, keyring: new Keyring({ use: secret }) }, /secret is set, but keyring has the secrets/u],
    [{ transport, secret: 'short' }, /secret must be a text of 16 to 1024 characters, got one of 5/u],
    [{ transport, certificates: { cert: '/a.pem', key: '/a.key' } }, /certificates\.ca is not/u],
    [{ transport, certificates: { ...certificates, reloadIntervalMs: 1 } }, /reloadIntervalMs must be/u],
    [{ transport, certificates: { ...certificates, colour: 'blue' } }, /there is no option colour/u],
    [{ secret }, /secret is set, but no transport is chosen/u],
    [{ certificates }, /certificates is set, but no transport is chosen/u],
    [{ transport: plain, secret }, /secret is set, but transport is fake-transport, which cannot secure its streams/u],
    [{ transport: plain, keyring: new Keyring({ use: secret }) }, /keyring is set, but transport is fake-transport/u],
    [{ transport: plain, certificates, secret }, /certificates is set, but transport is fake-transport/u],
  ])('is refused where it cannot be: %j', (options, why) => {
    expect(refusal(options)).toMatch(why);
  });
});

it.each([
  () => createCluster({ nodeId: 'a', transport, secret: 'hunter2' }),
  () => readClusterOptions({ env: { QUORATE_SECRET: 'hunter2' }, options: { nodeId: 'a' } }),
  () => readClusterOptions({ json: '{"nodeId": "a", "secret": "hunter2", }' }),
  () => readClusterOptions({ json: '{"nodeId": "a", "secret": "hunter2"} and more' }),
  () => readClusterOptions({ json: '{"nodeId": "a", "secret": hunter2}' }),
  () => readClusterOptions({ json: '{"nodeId": "a", "secret": "hunter2"}' }),
  () => readClusterOptions({ json: '"hunter2"' }),
  () => createCluster({ nodeId: 'a', transport, keyring: 'hunter2 hunter2 hunter2' as never }),
  () => createCluster({ nodeId: 'a', transport, certificates: 'hunter2 hunter2 hunter2' as never }),
  () => createCluster({ nodeId: 'a', transport, certificates: { ...certificates, key: '-----BEGIN hunter2' } }),
  () => createCluster({ nodeId: 'a', transport, certificates: { ...certificates, key: 'hunter2\nhunter2' } }),
  () => new Keyring('hunter2 hunter2 hunter2' as never),
  () => new Keyring({ use: secret, accept: 'hunter2 hunter2 hunter2' as never }),
  () => new Keyring({ use: secret, accept: [secret, 'hunter2'] }),
  () => createCluster({ nodeId: 'a', transport, secret: 4567890123456789 as never }),
  () => createCluster({ nodeId: 'a', transport, keyring: 4567890123456789 as never }),
  () => readClusterOptions({ json: '{"nodeId": "a", "secret": 4567890123456789}' }),
  () => readClusterOptions({ json: '4567890123456789' }),
  () => new Keyring(4567890123456789n as never),
  () => new Keyring({ use: secret, accept: 4567890123456789 as never }),
  () => new Keyring({ use: secret, accept: [4567890123456789 as never] }),
])('no error shows a secret: %s', (attempt) => {
  let failure: unknown;
  try {
    attempt();
  } catch (error) {
    failure = error;
  }
  if (!isClusterError(failure, 'INVALID_OPTIONS')) throw new Error('it was accepted', { cause: failure });
  expect(`${failure.message} ${inspect(failure.cause)}`).not.toMatch(/hunter|4567890/u);
});

describe('a keyring', () => {
  it('accepts what it uses, and none twice', () => {
    const keyring = new Keyring({ use: secret, accept: ['another secret of tests', secret] });
    expect([keyring.use, keyring.accept]).toEqual([secret, [secret, 'another secret of tests']]);
  });

  it('tells of each change, until that is no longer wanted', () => {
    const keyring = new Keyring({ use: secret });
    const told: string[] = [];
    const watching = keyring.onChange(() => told.push(keyring.use));
    keyring.change({ use: 'another secret of tests', accept: [secret] });
    watching[Symbol.dispose]();
    keyring.change({ use: secret });
    expect(told).toEqual(['another secret of tests']);
  });

  it('tells everybody of a change, though one of them throws', () => {
    const keyring = new Keyring({ use: secret });
    const told: string[] = [];
    using _ = keyring.onChange(() => {
      throw new Error('of a watcher');
    });
    using __ = keyring.onChange(() => told.push(keyring.use));
    expect(() => keyring.change({ use: 'another secret of tests' })).toThrow('of a watcher');
    expect(told).toEqual(['another secret of tests']);
  });

  it('stays as it was when a change is refused, and never shows a secret', () => {
    const keyring = new Keyring({ use: secret });
    const wrong = 'too short';
    for (const secrets of [{ use: wrong }, { use: secret, accept: [wrong] }, {}, { use: secret, old: wrong }]) {
      let message = '';
      try {
        keyring.change(secrets as { use: string });
      } catch (error) {
        message = String(error);
      }
      expect(message).toMatch(/Keyring/u);
      expect(message).not.toContain(wrong);
    }
    expect(keyring.accept).toEqual([secret]);
  });
});

describe('a certificate names a node', () => {
  const details = { serial: '1', validFrom: 0, validTo: 1, commonName: undefined, dnsNames: [], uris: [] };

  it.each<[object, boolean]>([
    [{ uris: ['quorate://orders/a'] }, true],
    [{ uris: ['https://example.com', 'quorate://orders/a'] }, true],
    [{ dnsNames: ['x', 'a'] }, true],
    [{ commonName: 'a' }, true],
    [{ uris: ['quorate://orders/b'], dnsNames: ['a'], commonName: 'a' }, false],
    [{ uris: ['quorate://others/a'] }, false],
    [{ uris: ['quorate://orders/a/'] }, false],
    [{ dnsNames: ['A', '*', 'a.example.com'] }, false],
    [{}, false],
  ])('%j: %j', (names, expected) => {
    expect(namesNode({ ...details, ...names }, 'orders', 'a')).toBe(expected);
  });
});
