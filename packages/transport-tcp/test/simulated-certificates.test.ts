import { type CertificateSet, Keyring, type NodeCertificates, type System } from '@quorate/core';
import { createWorld, SimulatedAuthority, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { isConnected, makeNode, type NodeOptions, type TestNode } from './harness.ts';

const HOUR_MS = 3_600_000;
const LATENCY_MS = 10;
type Shown = Pick<NodeOptions, 'keyring' | 'certificates'>;

/** A node that never changes its certificate, made for the time at which it starts. */
function nodeOf(
  world: World,
  id: string,
  shown: (system: System) => Shown,
  on: (system: System) => System = (system) => system,
): { readonly node: TestNode } {
  let made: TestNode | undefined;
  world.host(id).start(async (machine) => {
    const system = on(machine);
    made = makeNode({ id, host: id, port: 7000, system, incarnation: 1, insecure: true, ...shown(system) });
    await made.transport.start();
  });
  return {
    get node() {
      if (made === undefined) throw new Error(`${id} has not started`);
      return made;
    },
  };
}

function fixed(set: CertificateSet): NodeCertificates {
  return { current: set, onChange: () => ({ [Symbol.dispose]: () => undefined }) };
}

function issuedBy(authority: SimulatedAuthority, id: string, validForMs = HOUR_MS, ca = authority.ca) {
  return ({ clock }: System): Shown => {
    const validTo = clock.wallTime() + validForMs;
    return { certificates: fixed({ ...authority.issue({ uris: [`quorate://test/${id}`], validTo }), ca }) };
  };
}

/** `b` dials `a`; how long they took to be connected, or undefined if they were not within three seconds. */
async function meet(world: World, a: { node: TestNode }, b: { node: TestNode }): Promise<number | undefined> {
  await world.run(1);
  const begun = world.now;
  b.node.transport.addContact({ host: 'a', port: 7000 });
  const met = () => isConnected(a.node, 'b') && isConnected(b.node, 'a');
  while (world.now - begun < 3000 && !met()) await world.run(1);
  return met() ? world.now - begun : undefined;
}

function refusal(node: TestNode): string | undefined {
  return node.events.flatMap((event) => (event.type === 'refused' ? [event.error.message] : []))[0];
}

describe('secured streams in the simulator', () => {
  const world = (seed: string) => createWorld({ seed, link: { latencyMs: LATENCY_MS } });
  const authority = new SimulatedAuthority('authority');
  const secret = (use: string) => (): Shown => ({ keyring: new Keyring({ use }) });
  const plain = (): Shown => ({});

  it('cost a round trip more than plain ones', async () => {
    const times: number[] = [];
    for (const shown of [plain, secret('a secret of these tests')]) {
      const scene = world('round trips');
      times.push((await meet(scene, nodeOf(scene, 'a', shown), nodeOf(scene, 'b', shown))) ?? NaN);
    }
    const [open = 0, secured = 0] = times;
    expect(secured - open).toBeGreaterThanOrEqual(2 * LATENCY_MS - 1);
    expect(secured - open).toBeLessThanOrEqual(3 * LATENCY_MS + 1);
  });

  it.each<[string, (system: System) => Shown, (system: System) => Shown, RegExp | undefined]>([
    ['certificates of one authority', issuedBy(authority, 'a'), issuedBy(authority, 'b'), undefined],
    ['another secret', secret('a secret of these tests'), secret('another secret of tests'), /secret is not accepted/u],
    ['a plain peer', secret('a secret of these tests'), plain, /does not speak TLS/u],
    ['a peer with a secret at a plain port', plain, secret('a secret of these tests'), /speaks TLS/u],
    [
      'the certificate of another node',
      issuedBy(authority, 'a'),
      issuedBy(authority, 'x'),
      /is that of quorate:\/\/test\/x/u,
    ],
    [
      'another authority',
      issuedBy(authority, 'a'),
      issuedBy(new SimulatedAuthority('other'), 'b', HOUR_MS, authority.ca),
      /of an authority that is not trusted/u,
    ],
    [
      'a secret at who has certificates',
      issuedBy(authority, 'a'),
      secret('a secret of these tests'),
      /no certificate/u,
    ],
  ])('compare what both show: %s', async (name, ofA, ofB, why) => {
    const scene = world(name);
    const [a, b] = [nodeOf(scene, 'a', ofA), nodeOf(scene, 'b', ofB)];
    const met = await meet(scene, a, b);
    if (why === undefined) expect(met).toBeDefined();
    else expect([met, refusal(a.node)]).toEqual([undefined, expect.stringMatching(why)]);
  });

  it.each(['a', 'b'])(
    'are asked for in vain on a network that forgets to secure them, and then not used: that of %s',
    async (id) => {
      const scene = world(`forgetful ${id}`);
      const shown = secret('a secret of these tests');
      const forget = (system: System): System => ({
        ...system,
        net: {
          connect: (address, handler, { signal } = {}) => system.net.connect(address, handler, { signal }),
          listen: (address, accept) => system.net.listen(address, accept),
          bindDatagram: (address, receive) => system.net.bindDatagram(address, receive),
        },
      });
      const other = id === 'a' ? 'b' : 'a';
      const [forgetful, honest] = [nodeOf(scene, id, shown, forget), nodeOf(scene, other, plain)];
      const [a, b] = id === 'a' ? [forgetful, honest] : [honest, forgetful];
      expect(await meet(scene, a, b)).toBeUndefined();
      const told = forgetful.node.events.flatMap((event) => ('error' in event ? [event.error.message] : []));
      expect(told[0]).toMatch(/are to be secured by shared-key, and this one is by none/u);
    },
  );

  it('end when a certificate expires, within five seconds', async () => {
    const scene = world('expiry');
    const [a, b] = [nodeOf(scene, 'a', issuedBy(authority, 'a')), nodeOf(scene, 'b', issuedBy(authority, 'b', 60_000))];
    expect(await meet(scene, a, b)).toBeDefined();
    await scene.run(59_000 - scene.now);
    expect(isConnected(a.node, 'b')).toBe(true);
    await scene.runUntil(() => !isConnected(a.node, 'b'), 6500);
    await scene.runUntil(() => refusal(a.node) !== undefined, 60_000);
    expect(refusal(a.node)).toMatch(/its certificate has expired/u);
  });

  it('give silent strangers little time and few places', async () => {
    const scene = world('silent');
    const a = nodeOf(scene, 'a', secret('a secret of these tests'));
    const closed: number[] = [];
    scene.host('stranger').start(async ({ net }) => {
      const idle = { data: () => undefined, drain: () => undefined };
      for (let count = 0; count < 200; count += 1) {
        await net.connect({ host: 'a', port: 7000 }, { ...idle, close: () => closed.push(count) });
      }
    });
    await scene.run(20_000);
    expect(closed).toHaveLength(200);
    const codes = a.node.events.flatMap((event) => (event.type === 'refused' ? [event.error.code] : []));
    expect(codes.filter((code) => code === 'OVERLOADED')).toHaveLength(200 - 128);
    expect(codes.filter((code) => code === 'TIMEOUT')).toHaveLength(128);
  });
});
