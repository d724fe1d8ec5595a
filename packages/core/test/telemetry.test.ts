import { describe, expect, it } from 'vitest';
import {
  type Attributes,
  createCluster,
  isCarrier,
  noSpan,
  noTelemetry,
  type Observe,
  silentLogger,
  type Telemetry,
  telemetryOf,
} from '../src/index.ts';
import { nodeSystem } from '../src/node/index.ts';

/** Keeps sums and what can be observed, by name and attributes. */
class KeptTelemetry implements Telemetry {
  readonly sums = new Map<string, number>();
  readonly #observed = new Map<string, Observe>();

  counter({ name }: { readonly name: string }, attributes?: Attributes) {
    const key = keyOf(name, attributes);
    return { add: (value: number) => void this.sums.set(key, (this.sums.get(key) ?? 0) + value) };
  }

  histogram() {
    return noTelemetry.histogram({ name: '', unit: '', description: '', buckets: [] });
  }

  gauge({ name }: { readonly name: string }, observe: Observe, attributes?: Attributes): Disposable {
    const key = keyOf(name, attributes);
    this.#observed.set(key, observe);
    return { [Symbol.dispose]: () => void this.#observed.delete(key) };
  }

  observedCounter(about: { readonly name: string }, observe: Observe, attributes?: Attributes): Disposable {
    return this.gauge(about, observe, attributes);
  }

  startSpan() {
    return noSpan;
  }

  activeCarrier(): undefined {
    return undefined;
  }

  collect(): Record<string, number> {
    const told: Record<string, number> = {};
    for (const [key, observe] of this.#observed)
      observe((value, more) => void (told[more === undefined ? key : `${key} ${JSON.stringify(more)}`] = value));
    return told;
  }
}

function keyOf(name: string, attributes: Attributes = {}): string {
  return `${name} ${Object.values(attributes).join(' ')}`;
}

describe('a cluster that is measured', () => {
  it('tells of itself, bound to its name and node, until it has stopped', async () => {
    const telemetry = new KeptTelemetry();
    const cluster = createCluster({ name: 'shop', nodeId: 'a', enabled: false, telemetry, logLevel: 'silent' });
    expect(telemetry.collect()).toMatchObject({
      'quorate.cluster.status shop a {"quorate.cluster.status":"stopped"}': 1,
      'quorate.cluster.leadership.held shop a': 0,
    });
    await cluster.start();
    expect(telemetry.collect()).toMatchObject({
      'quorate.cluster.status shop a {"quorate.cluster.status":"running"}': 1,
      'quorate.cluster.status shop a {"quorate.cluster.status":"stopped"}': 0,
      'quorate.cluster.members shop a {"quorate.member.state":"alive"}': 1,
      'quorate.cluster.leadership.held shop a': 1,
      'quorate.cluster.leader.known shop a': 1,
    });
    expect(telemetry.sums.get('quorate.cluster.leadership.acquired shop a')).toBe(1);
    await cluster.stop();
    expect(telemetry.collect()).toEqual({});
    expect(telemetry.sums.get('quorate.cluster.leadership.lost shop a')).toBe(1);
  });

  it('hands its telemetry on, bound, to what is built on it', async () => {
    const telemetry = new KeptTelemetry();
    const system = { ...nodeSystem({ logger: silentLogger }), telemetry };
    await using cluster = createCluster({ nodeId: 'b', enabled: false, system });
    await cluster.start();
    telemetryOf(cluster.system).counter({ name: 'own', unit: '1', description: '' }, { more: 'x' }).add(2);
    expect(telemetry.sums.get('own default b x')).toBe(2);
  });

  it('is handed nothing but the one that measures nothing where none is given', async () => {
    await using cluster = createCluster({ nodeId: 'c', enabled: false, logLevel: 'silent' });
    await cluster.start();
    expect(telemetryOf(cluster.system)).toBe(noTelemetry);
    expect(noTelemetry.histogram({ name: 'a', unit: 's', description: '', buckets: [] }).isEnabled).toBe(false);
    expect(noTelemetry.startSpan('x').run(() => 5)).toBe(5);
  });

  it('refuses what can take no measurements', () => {
    const telemetry = { counter: () => undefined } as unknown as Telemetry;
    expect(() => createCluster({ nodeId: 'a', telemetry })).toThrow(/telemetry must be a Telemetry/u);
  });
});

it('a carrier is a traceparent of version 00', () => {
  const [trace, span] = ['0123456789abcdef0123456789abcdef', '0123456789abcdef'];
  expect(isCarrier(`00-${trace}-${span}-01`)).toBe(true);
  const zeros = [`00-${'0'.repeat(32)}-${span}-01`, `00-${trace}-${'0'.repeat(16)}-01`];
  const others = [
    `01-${trace}-${span}-01`,
    `00-${trace}-${span}-0`,
    `00-${trace.toUpperCase()}-${span}-01`,
    5,
    undefined,
  ];
  for (const wrong of [...zeros, ...others, `00-${trace}-${span}-01\n`]) expect(isCarrier(wrong)).toBe(false);
});
