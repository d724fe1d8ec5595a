import type { Swim } from '../../src/protocol/swim.ts';
import { SwimWorld, type WorldOptions } from './swim-world.ts';

/** Looks whether a machine keeps a promise; each text says how it was broken. */
export type Promised = (machine: typeof Swim, seed: number) => readonly string[];

const COUNT = 12;

/** What the machine promises, and how to see it. What isn't seen in any of them could be broken unnoticed. */
export const PROMISES = {
  'all learn of each other': (machine, seed) => wrongSizes(formed({ machine, seed }), COUNT),

  'each death is learnt by all, and soon': (machine, seed) => {
    const world = formed({ machine, seed });
    world.node('n3').kill();
    world.node('n7').darken();
    const before = world.now;
    world.run(12_000);
    const broken = wrongSizes(world, COUNT - 2);
    const last = Math.max(...times(world, 'failed').map((at) => at - before));
    return last > 5000 ? [...broken, `the last learnt of it after ${last} ms`] : broken;
  },

  'who lives is kept, though a tenth of the datagrams is lost': (machine, seed) => {
    const world = formed({ machine, seed, loss: 0.1 });
    world.run(40_000);
    return [...falseAlarms(world), ...wrongSizes(world, COUNT)];
  },

  'what one has missed is said to nobody else': (machine, seed) => {
    const world = formed({ machine, seed, loss: 0.25 });
    world.run(60_000);
    const failed = total(world, 'failedProbes');
    const suspicions = total(world, 'suspicions') + total(world, 'refutations');
    if (failed < 20) return [`only ${failed} probes failed`];
    return suspicions > 2 ? [`${suspicions} suspicions and refutations of ${failed} probes that failed`] : [];
  },

  'who stands still for some seconds comes back': (machine, seed) => {
    const world = formed({ machine, seed });
    for (let at = 0; at < 8; at += 1) {
      world.node(`n${world.random.int(COUNT)}`).stall(500 + world.random.int(4500));
      world.run(1500);
    }
    world.run(20_000);
    return [...falseAlarms(world), ...wrongSizes(world, COUNT)];
  },

  'who stood still doubts nobody': (machine, seed) => {
    const world = formed({ machine, seed, delayMs: [150, 200] });
    for (let at = 0; at < 2 * COUNT; at += 1) {
      const node = world.node(`n${at % COUNT}`);
      const before = node.swim.stats.failedProbes;
      node.stall(2000);
      world.run(2100);
      if (node.swim.stats.failedProbes > before) return [`${node.name} doubted others when it went on`];
    }
    return [];
  },

  'news comes to rest': (machine, seed) => {
    const world = formed({ machine, seed });
    let packets = 0;
    world.onSent = () => {
      packets += 1;
    };
    world.run(10_000);
    // A ping and its answer for each node and second, and what an exchange brings.
    const most = COUNT * 10 * 2 * (1000 / world.settings.probeIntervalMs) * 1.1;
    return packets > most ? [`${packets} packets in 10 s of rest`] : [];
  },

  'who is started again elsewhere is taken in there': (machine, seed) => {
    const world = formed({ machine, seed });
    world.node('n4').kill();
    world.start('again', { id: 'n4', run: 2, at: 'elsewhere' });
    world.exchange('again', 'n0');
    world.run(1000);
    return addresses(world, 'n4').flatMap((host) => (host === 'elsewhere.test' ? [] : [`n4 is at ${host}`]));
  },

  'who takes the id of one that lives is not let in': (machine, seed) => {
    const world = formed({ machine, seed });
    const thief = world.start('thief', { id: 'n4', run: 2, at: 'elsewhere' });
    world.exchange('thief', 'n0');
    world.run(2000);
    world.nodes.delete('thief');
    const taken = addresses(world, 'n4').flatMap((host) => (host === 'n4.test' ? [] : [`n4 is at ${host}`]));
    return thief.conflicts.length === 0 ? [...taken, 'the thief was told nothing'] : taken;
  },

  'old news brings nobody back': (machine, seed) => {
    const world = formed({ machine, seed });
    world.node('n5').swim.leave(world.now);
    const [state] = [...world.node('n5').swim.capture()].filter(({ id }) => id === 'n5');
    world.run(1000);
    world.node('n5').kill();
    if (state !== undefined) world.node('n1').swim.merge([state], 'n2', world.now);
    world.run(500);
    const seen = [...world.nodes.values()].filter((node) => node.condition === 'well' && node.sees('n5') !== 'left');
    return seen.map((node) => `${node.name} sees n5 as ${node.sees('n5')}`);
  },

  'who is gone is forgotten by all in the end': (machine, seed) => {
    const world = formed({ machine, seed, settings: { forgetAfterMs: 10_000 } });
    world.node('n5').swim.leave(world.now);
    world.run(1000);
    world.node('n5').kill();
    for (let at = 0; at < 5; at += 1) {
      // Who comes later hears of it from the others only.
      world.start(`late${at}`);
      world.exchange(`late${at}`, 'n1');
      world.run(6000);
    }
    world.run(10_000);
    const still = [...world.nodes.values()].filter(
      (node) => node.condition === 'well' && node.sees('n5') !== undefined,
    );
    return still.map((node) => `${node.name} still sees n5 as ${node.sees('n5')}`);
  },
} satisfies Record<string, Promised>;

/** So many nodes that know each other. */
function formed(options: WorldOptions): SwimWorld {
  const world = new SwimWorld({ delayMs: [0.2, 2], exchangesEveryMs: 5000, ...options });
  const { loss } = world;
  world.loss = 0;
  const names = Array.from({ length: COUNT }, (_, at) => `n${at}`);
  for (const name of names) world.start(name);
  for (const name of names.slice(1)) {
    world.exchange(name, 'n0');
    world.run(150);
  }
  world.run(5500);
  world.loss = loss;
  return world;
}

function wrongSizes(world: SwimWorld, size: number): readonly string[] {
  const well = [...world.nodes.values()].filter(({ condition }) => condition === 'well');
  return well.flatMap(({ name, swim }) => (swim.size === size ? [] : [`${name} counts ${swim.size}, not ${size}`]));
}

function falseAlarms(world: SwimWorld): readonly string[] {
  return [...world.nodes.values()].flatMap(({ name, changes }) =>
    changes.filter(({ type }) => type === 'failed').map(({ member }) => `${name} gave up ${member.id}, which lives`),
  );
}

function total(world: SwimWorld, count: 'failedProbes' | 'suspicions' | 'refutations'): number {
  return [...world.nodes.values()].reduce((sum, { swim }) => sum + swim.stats[count], 0);
}

function times(world: SwimWorld, type: string): readonly number[] {
  return [...world.nodes.values()].flatMap(({ changes }) =>
    changes.filter((change) => change.type === type).map(({ member }) => member.since),
  );
}

function addresses(world: SwimWorld, id: string): readonly string[] {
  const others = [...world.nodes.values()].filter((node) => node.condition === 'well' && node.id !== id);
  return others.map((node) => node.swim.members.get(id)?.node.host ?? 'no address');
}
