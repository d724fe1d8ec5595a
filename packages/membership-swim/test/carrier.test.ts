import { type GossipCarrier, MAX_RUMOUR_BYTES, type RumourVerdict } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { SwimNodes } from './swim-nodes.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];
const TOPIC = 130;
const KIB = 1024;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

async function carriers(seed: string): Promise<{ nodes: SwimNodes; carrier: (id: string) => GossipCarrier }> {
  const nodes = new SwimNodes(seed);
  nodes.start(IDS, { exchangeIntervalMs: 1000 });
  await nodes.agree(IDS);
  const carrier = (id: string): GossipCarrier => {
    const found = nodes.cluster(id).membership.carrier;
    if (found === undefined) throw new Error('it carries nothing');
    return found;
  };
  return { nodes, carrier };
}

/** Believes each text once, as users of a carrier do. */
function listen(carrier: GossipCarrier): Set<string> {
  const heard = new Set<string>();
  carrier.onRumour(TOPIC, (payload): RumourVerdict => {
    if (heard.has(text(payload))) return { isNews: false };
    heard.add(text(payload));
    return { isNews: true };
  });
  return heard;
}

describe('the carrier of others’ news', () => {
  it('brings a rumour to all, and knows how many they are', async () => {
    const { nodes, carrier } = await carriers('rumour');
    const heard = IDS.map((id) => listen(carrier(id)));
    expect(carrier('a').size).toBe(5);
    expect(carrier('a').spread(TOPIC, bytes('news'))).toBe(true);
    await nodes.world.runUntil(() => heard.slice(1).every((texts) => texts.has('news')), 5000);
  });

  it('hands a rumour to one alone, and says when there is no such member', async () => {
    const { nodes, carrier } = await carriers('tell');
    const heard = new Map(IDS.map((id) => [id, 0]));
    for (const id of IDS) {
      carrier(id).onRumour(TOPIC, () => {
        heard.set(id, (heard.get(id) ?? 0) + 1);
        return { isNews: false };
      });
    }
    expect([carrier('a').tell('c', TOPIC, bytes('x')), carrier('a').tell('nobody', TOPIC, bytes('x'))]).toEqual([
      true,
      false,
    ]);
    expect(carrier('a').tell('a', TOPIC, bytes('x'))).toBe(true);
    await nodes.world.run(2000);
    expect([...heard.values()]).toEqual([1, 0, 1, 0, 0]);
  });

  it('lets a handler spread more, and survives one that throws', async () => {
    const { nodes, carrier } = await carriers('handlers');
    const [heard] = ['a', 'c', 'd', 'e'].map((id) => listen(carrier(id)));
    carrier('b').onRumour(TOPIC, (payload) => {
      if (text(payload) === 'question') carrier('b').spread(TOPIC, bytes('answer'));
      throw new Error('of the handler');
    });
    carrier('a').spread(TOPIC, bytes('question'));
    await nodes.world.runUntil(() => heard?.has('answer') === true, 5000);
    expect(nodes.world.trace.text()).toContain('a handler of topic 130 threw');
  });

  it('exchanges what a topic has, up to its bound, whole', async () => {
    const { nodes, carrier } = await carriers('exchange');
    const sizes: number[] = [];
    const content = Uint8Array.from({ length: 256 * KIB }, (_, at) => at % 251);
    carrier('a').onExchange(TOPIC, { capture: () => content, merge: () => undefined });
    carrier('a').onExchange(TOPIC + 1, { capture: () => new Uint8Array(256 * KIB + 1), merge: () => undefined });
    carrier('a').onExchange(TOPIC + 2, { capture: () => new Uint8Array(0), merge: () => undefined });
    for (const topic of [TOPIC, TOPIC + 1, TOPIC + 2]) {
      carrier('b').onExchange(topic, {
        capture: () => new Uint8Array(1),
        merge: (payload) => {
          sizes.push(payload.length);
          if (payload.length > 1) expect(Buffer.compare(payload, content)).toBe(0);
        },
      });
    }
    await nodes.world.runUntil(() => sizes.includes(256 * KIB) && sizes.includes(0), 30_000);
    expect(sizes).not.toContain(256 * KIB + 1);
  });

  it('refuses what is too long, topics that are none, and two handlers for one', async () => {
    const { carrier } = await carriers('refusals');
    const own = carrier('a');
    const none = (): RumourVerdict => ({ isNews: false });
    expect(() => own.spread(TOPIC, new Uint8Array(MAX_RUMOUR_BYTES + 1))).toThrow('at most 512 bytes');
    expect(() => own.tell('b', TOPIC, new Uint8Array(MAX_RUMOUR_BYTES + 1))).toThrow('at most 512 bytes');
    for (const topic of [0, 256, 1.5]) expect(() => own.spread(topic, bytes(''))).toThrow('a topic must be');
    const first = own.onRumour(TOPIC, none);
    expect(() => own.onRumour(TOPIC, none)).toThrow('has a handler already');
    first[Symbol.dispose]();
    own.onRumour(TOPIC, none);
  });
});
