import { type Cluster, connectionMembership, createCluster, type Membership, type Plugin } from '@quorate/core';
import { heartbeatMembership } from '@quorate/membership-heartbeat';
import { createWorld, faults, type Host, type World } from '@quorate/simulator';
import { tcpTransport } from '@quorate/transport-tcp';
import { describe, expect, it } from 'vitest';

const PORT = 7000;
const NODES = 5;
/** `QUORATE_DESCRIPTION_SEEDS=50`: more than tests make do with. */
const SEEDS = Array.from({ length: Number(process.env['QUORATE_DESCRIPTION_SEEDS'] ?? 2) }, (_, at) => at + 1);
/** Those that gossip have lives of their own. */
const memberships: readonly (readonly [string, () => Plugin<Membership, 'membership'>])[] = [
  ['connections', () => connectionMembership({ unreachableAfterMs: 3000 })],
  ['heartbeats', () => heartbeatMembership({ intervalMs: 300 })],
];

/** A program on a host, which says something new of its node now and then for as long as there is trouble. */
class Speaker {
  readonly host: Host;
  readonly #life: Life;
  cluster: Cluster | undefined;
  said = '';
  #turn = 0;

  constructor(host: Host, life: Life) {
    this.host = host;
    this.#life = life;
  }

  start(): void {
    this.said = `${this.host.name} as it began`;
    this.host.start(async (system) => {
      const cluster = createCluster({
        nodeId: this.host.name,
        metadata: { said: this.said },
        bind: { host: this.host.address, port: PORT },
        insecure: true,
        seedNodes: this.#life.addresses,
        transport: tcpTransport({ reconnect: { minMs: 100, maxMs: 2000 } }),
        membership: this.#life.membership(),
        logLevel: 'error',
        system,
      });
      this.cluster = cluster;
      await cluster.start();
      const speak = (): void => {
        if (this.#life.isTrouble) this.say();
        system.clock.setTimer(20 + system.random.int(1500), speak);
      };
      speak();
    });
  }

  async stop(): Promise<void> {
    await this.cluster?.stop();
  }

  say(): void {
    this.#turn += 1;
    this.said = `${this.host.name} ${this.#turn}`;
    this.cluster?.describe({ metadata: { said: this.said } });
  }
}

class Life {
  readonly world: World;
  readonly membership: () => Plugin<Membership, 'membership'>;
  readonly speakers: readonly Speaker[];
  isTrouble = true;

  constructor(seed: number, membership: () => Plugin<Membership, 'membership'>) {
    this.world = createWorld({ seed });
    this.membership = membership;
    const hosts = Array.from({ length: NODES }, (_, at) => this.world.host(`n${at}`));
    this.speakers = hosts.map((host) => new Speaker(host, this));
  }

  get addresses(): readonly { readonly host: string; readonly port: number }[] {
    return this.speakers.map(({ host }) => ({ host: host.address, port: PORT }));
  }

  /** What each sees that the others say, as one text. */
  sights(): readonly string[] {
    return this.speakers.map(({ cluster }) => {
      return (cluster?.nodes ?? []).map(({ node, state }) => `${node.metadata?.['said']}: ${state}`).join(', ');
    });
  }

  get truth(): string {
    return this.speakers.map(({ said }) => `${said}: alive`).join(', ');
  }
}

describe.each(memberships)('nodes that describe themselves anew, seen by %s', (_, membership) => {
  it.each(SEEDS)('are seen as they are once there is peace, life %i', async (seed) => {
    const life = new Life(seed, membership);
    const { world, speakers } = life;
    for (const speaker of speakers) speaker.start();
    const trouble = faults(
      world,
      speakers.map(({ host }) => host),
      { everyMs: 700, lastMs: 6000, maxDown: 2, restart: (host) => speakers.find((it) => it.host === host)?.start() },
    );
    await world.run(20_000);
    trouble.stop();
    life.isTrouble = false;
    for (const speaker of speakers) if (!speaker.host.running) speaker.start();
    const agree = () => life.sights().every((sight) => sight === life.truth);
    await world.runUntil(agree, 60_000).catch(() => expect(life.sights()).toEqual(speakers.map(() => life.truth)));
    for (const speaker of speakers) speaker.say();
    await world.runUntil(agree, 10_000).catch(() => expect(life.sights()).toEqual(speakers.map(() => life.truth)));
    await world.run(2000);
    expect(agree()).toBe(true);
    await world.settled(Promise.all(speakers.map((speaker) => speaker.stop())), 60_000);
  });
});
