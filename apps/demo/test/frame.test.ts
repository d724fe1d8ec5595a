import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Picture, renderFrame } from '../src/frame.ts';
import type { NodeView } from '../src/supervisor.ts';

const node = (id: string, rest: Partial<NodeView>): NodeView => ({
  id,
  address: `127.0.0.1:${7000 + id.charCodeAt(0)}`,
  pid: 4711,
  state: 'running',
  leader: { nodeId: 'a', token: 4n },
  grant: undefined,
  connected: ['b', 'c'].filter((other) => other !== id),
  members: new Map(),
  tickets: undefined,
  ...rest,
});
const leader = node('a', { grant: { token: 4n, beganAt: 2_000 } });
const picture: Picture = {
  title: 'Quorate',
  now: 12_000,
  startedAt: 1_000,
  nodes: [leader, node('b', {}), node('c', { state: 'dead', pid: undefined, leader: undefined, connected: [] })],
  leader,
  isReplicated: false,
  selected: 'b',
  numbered: 42,
  refused: 1,
  entries: [
    { type: 'accepted', at: 11_000, node: 'a', token: 4n, number: 42 },
    { type: 'refused', at: 11_500, node: 'c', token: 3n, highest: 4n },
  ],
  events: Array.from({ length: 30 }, (_, index) => ({ at: 2_000 + index, text: `event ${index}`, tone: 'plain' })),
  problems: [],
  note: 'a note',
};
const render = (rows: number, changes: Partial<Picture> = {}) =>
  renderFrame({ ...picture, ...changes }, rows).map(stripVTControlCharacters);

describe('the live view', () => {
  it('shows who leads, the term, the work and the keys', () => {
    const text = render(40).join('\n');
    expect(text).toMatch(/a {5}127.0.0.1:7097 +4711 +leader +4 +b c/u);
    expect(text).toMatch(/› b .*follower/u);
    expect(text).toMatch(/c .* - +dead +- +-/u);
    expect(text).toContain('a in term 4, for 10.00 s');
    expect(text).toContain('42 numbered, 1 refused for a stale token');
    expect(text).toContain('refused       token 3  by c: the ledger has seen 4');
    expect(text).toContain('k kill the leader');
  });

  it('shows how much of a replicated ledger each node has', () => {
    const nodes = [leader, node('b', { tickets: 41 }), node('c', { state: 'dead', pid: undefined, connected: [] })];
    const text = render(40, { isReplicated: true, nodes: [{ ...leader, tickets: 42 }, ...nodes.slice(1)] }).join('\n');
    expect(text).toMatch(/term +tickets +connected to/u);
    expect(text).toMatch(/leader +4 +42 +b c/u);
    expect(text).toMatch(/follower +4 +41 +c/u);
    expect(text).toMatch(/dead +4 +- +-/u);
    expect(render(40).join('\n')).not.toContain('tickets  connected to');
  });

  it('keeps to the terminal: old events and tickets give way, the nodes and the keys stay', () => {
    for (const rows of [1, 5, 10, 14, 16, 20, 24, 100]) expect(render(rows).length).toBeLessThanOrEqual(rows);
    const small = render(16);
    expect(small.join('\n')).toContain('q quit');
    expect(small.at(-1)).toContain('a note');
    expect(render(20).join('\n')).toContain('event 29');
    expect(render(100).join('\n')).not.toContain('event 21');
  });

  it('says when nobody leads, when the leader is paused, and what is wrong', () => {
    expect(render(30, { leader: undefined }).join('\n')).toMatch(/Leader +none/u);
    expect(render(30, { leader: { ...leader, state: 'paused' } }).join('\n')).toContain('its grant runs out');
    expect(render(30, { problems: ['two leaders'] }).join('\n')).toContain('two leaders');
  });
});
