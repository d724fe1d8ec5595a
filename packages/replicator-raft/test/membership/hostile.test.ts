import { messageKind } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { failureOf, Stage } from './stage.ts';

const FOUNDERS = ['a', 'b', 'c'];
const GROUP = 1;
const [INVITE, CHANGE, IDENTIFY, REMOVED] = [2, 4, 5, 6];

/** A call to the group at a node, as another node may make it up. */
function call(stage: Stage, from: string, to: string, kind: number, body: object | string): Promise<Uint8Array> {
  const text = new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
  const bytes = new Uint8Array(5 + text.length);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, GROUP);
  bytes.set(text, 5);
  return stage.cluster.transport(from).request(to, messageKind.REPLICATE, bytes, { timeoutMs: 1000 });
}

async function identityOf(
  stage: Stage,
  from: string,
  name: string,
): Promise<{ formation: string; number: number; disk: string }> {
  const answer = await stage.cluster.soon(call(stage, from, name, IDENTIFY, ''));
  return JSON.parse(new TextDecoder().decode(answer)) as { formation: string; number: number; disk: string };
}

describe('a peer that talks nonsense about members', () => {
  it('removes nobody by naming another number, or another formation', async () => {
    const stage = new Stage('forged-removal', FOUNDERS, ['d']);
    await stage.begin();
    const { formation, number } = await identityOf(stage, 'd', 'a');
    const forged = [{ formation: 'e'.repeat(32), number }, { formation, number: number + 1 }, { formation }, 'nothing'];
    for (const removal of forged)
      await stage.cluster.soon(call(stage, 'd', 'a', REMOVED, removal).catch(() => undefined));
    expect(stage.phase('a')).toBe('running');
    await stage.settled(...FOUNDERS);
  });

  it('makes no member another one', async () => {
    const stage = new Stage('forged-invitation', FOUNDERS, ['d']);
    await stage.begin();
    const { formation, number, disk } = await identityOf(stage, 'd', 'a');
    const forged = [
      { formation, number: number + 7, disk },
      { formation: 'e'.repeat(32), number, disk },
      { formation, number, disk: 'e'.repeat(32) },
      { formation, number },
      '',
    ];
    for (const invitation of forged) {
      const error = await failureOf(stage, call(stage, 'd', 'a', INVITE, invitation));
      expect(['REFUSED', 'PROTOCOL']).toContain(error.code);
    }
    expect(await identityOf(stage, 'd', 'a')).toMatchObject({ formation, number, disk });
    await stage.settled(...FOUNDERS);
  });

  it('keeps no change of the members from being made', async () => {
    const stage = new Stage('forged-change', FOUNDERS, ['d']);
    const leader = await stage.begin();
    for (const change of ['', '{', { version: 1, hops: 0, timeoutMs: 1, change: { type: 'remove', nodeId: '' } }]) {
      expect((await failureOf(stage, call(stage, 'd', leader, CHANGE, change))).code).toBe('PROTOCOL');
    }
    // A request that went round too often ends here.
    const change = { version: 1, hops: 9, timeoutMs: 1000, change: { type: 'remove', nodeId: 'a' } };
    const follower = FOUNDERS.find((name) => name !== leader) as string;
    const answer = await stage.cluster.soon(call(stage, 'd', follower, CHANGE, change));
    expect(new TextDecoder().decode(answer)).toContain('NOT_LEADER');
    await stage.change(stage.members(leader).addNode('d'));
    await stage.settled(...FOUNDERS, 'd');
  });
});
