import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BaseClusterDiscovery,
  type ClusterNode,
  type DiscoveredNode,
  type DiscoverySnapshot,
  formatAddress,
  isAddress,
  type LookupAnswer,
  normalizeNodes,
  type PollingOptions,
  silentLogger,
} from '../src/index.ts';
import { ManualClock, middle, settle } from './manual-clock.ts';

const self: ClusterNode = { id: 'self', host: '10.0.0.1', port: 7001 };
const node = (id: string): DiscoveredNode => ({ id, host: `${id}.example.com`, port: 1 });

class Source extends BaseClusterDiscovery {
  readonly clock: ManualClock;
  readonly warnings: string[];
  answer: () => Promise<LookupAnswer> = async () => [];
  asked = 0;
  released = 0;

  constructor(options: PollingOptions = {}) {
    const clock = new ManualClock();
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    super({ clock, random: middle, logger, self }, 'source', options);
    this.clock = clock;
    this.warnings = warnings;
  }

  protected lookup(): Promise<LookupAnswer> {
    this.asked += 1;
    return this.answer();
  }

  protected override release(): Promise<void> {
    this.released += 1;
    return Promise.resolve();
  }
}

/** What a watcher has seen so far. */
function collect(source: AsyncIterable<DiscoverySnapshot>): { readonly ids: (string | undefined)[][]; ended: boolean } {
  const seen = { ids: [] as (string | undefined)[][], ended: false };
  void (async () => {
    for await (const { nodes } of source) seen.ids.push(nodes.map(({ id }) => id));
    seen.ended = true;
  })();
  return seen;
}

describe('normalizeNodes', () => {
  it('keeps the good entries, each once, in order, without this node', () => {
    const refused: string[] = [];
    const answer = [
      node('b'),
      null,
      { host: 'x', port: 0 },
      { ...node('b'), id: undefined },
      node('a'),
      self,
      { host: self.host, port: self.port },
      'text',
      { ...node('c'), id: '-' },
    ];
    const nodes = normalizeNodes(answer, { self, onRefused: (reason) => refused.push(reason) });
    expect(nodes).toEqual([node('a'), node('b')]);
    expect(refused).toHaveLength(4);
  });

  it('prefers the entry that knows the id', () => {
    const { host, port } = node('a');
    const onRefused = () => undefined;
    expect(normalizeNodes([{ host, port }, node('a')], { self, onRefused })).toEqual([node('a')]);
    expect(normalizeNodes([node('a'), { host, port }], { self, onRefused })).toEqual([node('a')]);
  });

  it('puts those first that the source prefers', () => {
    const ranked = (id: string, priority: unknown) => ({ ...node(id), priority }) as DiscoveredNode;
    const refused: string[] = [];
    const answer = [ranked('a', 2), ranked('b', 1), node('c'), ranked('d', 1), ranked('e', -1), ranked('f', '1')];
    const nodes = normalizeNodes(answer, { self, onRefused: (reason) => refused.push(reason) });
    expect(nodes.map(({ id, priority }) => `${id} ${priority}`)).toEqual(['c undefined', 'b 1', 'd 1', 'a 2']);
    expect(refused).toHaveLength(2);
  });

  it('stops at the limit, and says so once', () => {
    const refused: string[] = [];
    const answer = Array.from({ length: 20 }, (_, at) => ({ host: 'h', port: at + 1 }));
    expect(normalizeNodes(answer, { self, limit: 5, onRefused: (reason) => refused.push(reason) })).toHaveLength(5);
    expect(refused).toHaveLength(1);
  });

  it('never throws, and gives only distinct addresses that can be dialled, in order', () => {
    const entry = fc.oneof(
      fc.anything(),
      fc.record({ host: fc.constantFrom('a', 'b', '::1', ''), port: fc.integer({ min: -1, max: 4 }) }),
    );
    const property = fc.property(fc.array(entry), (answer) => {
      const addresses = normalizeNodes(answer, { self, onRefused: () => undefined }).map((found) => {
        expect(isAddress(found) && found.port > 0).toBe(true);
        return formatAddress(found);
      });
      expect(addresses).toEqual([...new Set(addresses)].sort());
    });
    fc.assert(property);
  });
});

describe('BaseClusterDiscovery', () => {
  it('asks only while somebody watches, at each interval, and tells only of differences', async () => {
    const source = new Source({ intervalMs: 1_000 });
    await source.clock.advance(5_000);
    expect(source.asked).toBe(0);
    const controller = new AbortController();
    source.answer = async () => [node('a')];
    const seen = collect(source.watch({ signal: controller.signal }));
    await source.clock.advance(2_500);
    expect([source.asked, seen.ids]).toEqual([3, [['a']]]);
    source.answer = async () => [node('b'), node('a')];
    await source.clock.advance(1_000);
    expect(seen.ids).toEqual([['a'], ['a', 'b']]);
    controller.abort();
    await source.clock.advance(10_000);
    expect([source.asked, seen.ended, source.clock.pending]).toEqual([4, true, 0]);
  });

  it('gives a second watcher the last good answer at once, and asks once for both', async () => {
    const source = new Source({ intervalMs: 1_000 });
    source.answer = async () => [node('a')];
    const first = collect(source.watch());
    await source.clock.advance(100);
    const second = collect(source.watch());
    await settle();
    expect([first.ids, second.ids, source.asked]).toEqual([[['a']], [['a']], 1]);
  });

  it('begins again for one who watches after the last has gone', async () => {
    const source = new Source({ intervalMs: 1_000 });
    source.answer = async () => [node('a')];
    const controller = new AbortController();
    collect(source.watch({ signal: controller.signal }));
    await source.clock.advance(100);
    controller.abort();
    collect(source.watch());
    await source.clock.advance(1_000);
    expect(source.asked).toBeGreaterThan(1);
  });

  it('backs off while the source fails, is silent meanwhile, and recovers', async () => {
    const source = new Source({ intervalMs: 1_000, backoff: { baseMs: 100, maxMs: 400 } });
    source.answer = async () => [node('a')];
    const seen = collect(source.watch());
    await source.clock.advance(0);
    source.answer = () => Promise.reject(new Error('down'));
    await source.clock.advance(1_000);
    expect(source.asked).toBe(2);
    await source.clock.advance(75 + 150 + 300);
    expect(source.asked).toBe(5);
    expect([seen.ids, source.lastGood?.nodes]).toEqual([[['a']], [node('a')]]);
    source.answer = async () => [node('b')];
    await source.clock.advance(300);
    expect(seen.ids).toEqual([['a'], ['b']]);
    expect(source.warnings.filter((warning) => warning.includes('down'))).toHaveLength(4);
    source.answer = () => Promise.reject(new Error('down again'));
    const { asked } = source;
    await source.clock.advance(1_000 + 75);
    expect(source.asked).toBe(asked + 2);
  });

  it('keeps the last good answer when the source says nobody, and tells its age', async () => {
    const source = new Source({ intervalMs: 1_000 });
    source.answer = async () => [node('a')];
    const seen = collect(source.watch());
    await source.clock.advance(0);
    const observedAt = source.lastGood?.observedAt;
    source.answer = async () => [];
    await source.clock.advance(1_000);
    expect([seen.ids, source.lastGood?.observedAt]).toEqual([[['a']], observedAt]);
    expect(source.warnings).toEqual(['source: it answered with nobody; keeping 1 nodes, 1000 ms old']);
    expect(await source.discoverNodes()).toEqual([]);
    await source.clock.advance(5_000);
    expect(source.warnings).toHaveLength(1);
    source.answer = async () => [node('b')];
    await source.clock.advance(1_000);
    source.answer = async () => [];
    await source.clock.advance(1_000);
    expect(source.warnings).toHaveLength(2);
  });

  it('reports an entry that it leaves out once, and no more than a few of many', async () => {
    const source = new Source({ intervalMs: 1_000 });
    const broken = (count: number) => Array.from({ length: count }, (_, at) => ({ host: `h${at}`, port: 0 }));
    source.answer = async () => [node('a'), ...broken(2)];
    collect(source.watch());
    await source.clock.advance(3_000);
    expect(source.warnings).toEqual([
      'source: an entry was left out: {"host":"h0","port":0} is not a node that can be dialled',
      'source: an entry was left out: {"host":"h1","port":0} is not a node that can be dialled',
    ]);
    source.answer = async () => [node('a'), ...broken(500)];
    await source.clock.advance(1_000);
    expect(source.warnings.slice(2)).toHaveLength(9);
    expect(source.warnings.at(-1)).toBe('source: 490 more problems with this answer');
  });

  it('asks again when the answer says so', async () => {
    const source = new Source({ intervalMs: 1_000 });
    source.answer = async () => ({ nodes: [node('a')], refreshMs: 100 });
    collect(source.watch());
    await source.clock.advance(450);
    expect(source.asked).toBe(5);
    source.answer = async () => [node('a')];
    await source.clock.advance(2_000);
    expect(source.asked).toBe(7);
  });

  it('tells of an empty answer when there was none before', async () => {
    const source = new Source();
    const seen = collect(source.watch());
    await source.clock.advance(0);
    expect(seen.ids).toEqual([[]]);
  });

  it('bounds a lookup in time', async () => {
    const source = new Source({ timeoutMs: 50 });
    source.answer = () => new Promise(() => undefined);
    const asked = source.discoverNodes().catch((error: unknown) => error);
    await source.clock.advance(50);
    expect(await asked).toMatchObject({ code: 'TIMEOUT' });
  });

  it('names a failure of the source IO, keeps its cause, and obeys the signal', async () => {
    const source = new Source();
    const cause = new Error('down');
    source.answer = () => Promise.reject(cause);
    await expect(source.discoverNodes()).rejects.toMatchObject({ code: 'IO', cause });
    await expect(source.discoverNodes({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(source.asked).toBe(1);
  });

  it('refuses registration unless the adapter can', async () => {
    const source = new Source();
    await expect(source.registerNode(self)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(source.unregisterNode('self')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('ends everything when disposed, once', async () => {
    const source = new Source();
    source.answer = () => new Promise(() => undefined);
    const seen = collect(source.watch());
    const asked = source.discoverNodes().catch((error: unknown) => error);
    await settle();
    await source[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
    await source.clock.advance(0);
    expect(await asked).toMatchObject({ code: 'CLOSED' });
    await expect(source.discoverNodes()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(source.registerNode(self)).rejects.toMatchObject({ code: 'CLOSED' });
    expect([seen.ended, collect(source.watch()).ids, source.released, source.clock.pending]).toEqual([true, [], 1, 0]);
  });

  it('follows a source that pushes, and subscribes again when the stream breaks', async () => {
    let push: ((answer: LookupAnswer) => void) | undefined = undefined;
    let broken: ((error: Error) => void) | undefined = undefined;
    let subscriptions = 0;
    class Pushing extends Source {
      protected override subscribe(publish: (answer: LookupAnswer) => void): Promise<void> {
        subscriptions += 1;
        push = publish;
        return new Promise((_, reject) => (broken = reject));
      }
    }
    const source = new Pushing({ backoff: { baseMs: 100, maxMs: 100 } });
    const seen = collect(source.watch());
    const call = <T>(it: ((argument: T) => void) | undefined, argument: NoInfer<T>) => it?.(argument);
    call(push, { nodes: [node('a')], complete: false, revision: '7' });
    await settle();
    expect(source.lastGood).toMatchObject({ complete: false, revision: '7', source: 'source' });
    call(broken, new Error('reset'));
    await source.clock.advance(75);
    call(push, [node('b')]);
    await settle();
    expect([subscriptions, seen.ids, source.asked]).toEqual([2, [['a'], ['b']], 0]);
  });
});
