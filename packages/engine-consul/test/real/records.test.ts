import { nodeSystem } from '@quorate/core/node';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { consulEngine, consulRecords } from '../../src/index.ts';

const system = nodeSystem();
const started = await ConsulServer.start();
if (started === undefined) reportAbsent('consul');
afterAll(async () => started?.[Symbol.asyncDispose]());
const bytes = (text: string) => new TextEncoder().encode(text);

describe.skipIf(started === undefined)('records in Consul', () => {
  const server = started as ConsulServer;
  const open = () => consulEngine({ address: server.address, timeoutMs: 2_000 }).open(system);

  it('are written by who has seen the last version, and by nobody else', async () => {
    await using client = open();
    await using other = open();
    const records = consulRecords(client, { folder: 'orders/tasks' });
    const others = consulRecords(other, { folder: 'orders/tasks' });
    const name = 'a/../b:c';
    expect(await records.read(name)).toBeUndefined();
    const created = [records, others].map((each, at) => each.write(name, bytes(String(at)), undefined));
    expect((await Promise.all(created)).filter(Boolean)).toHaveLength(1);
    const seen = await records.read(name);
    expect(await others.read(name)).toEqual(seen);
    expect(await others.write(name, bytes('next: č'), seen?.version)).toBe(true);
    expect(await records.write(name, bytes('late'), seen?.version)).toBe(false);
    expect(await records.remove(name, seen?.version ?? '')).toBe(false);
    const next = await records.read(name);
    expect(new TextDecoder().decode(next?.value)).toBe('next: č');
    const keys = (await client.get(['kv', 'orders'], { query: { keys: true, recurse: true } })).body;
    expect(keys).toEqual(['orders/tasks/a%2F..%2Fb%3Ac']);
    expect(await records.remove(name, next?.version ?? '')).toBe(true);
    expect(await records.read(name)).toBeUndefined();
    expect(await records.write(name, bytes('late'), next?.version)).toBe(false);
    expect(await records.write(name, bytes('next'), undefined)).toBe(true);
    expect((await records.read(name))?.version).not.toBe(next?.version);
    await records.write('empty', bytes(''), undefined);
    expect((await records.read('empty'))?.value).toEqual(bytes(''));
  });

  it('are written once though nobody answered the write', async () => {
    await using client = open();
    const records = consulRecords(client, { folder: 'kept' });
    await records.write('a', bytes('0'), undefined);
    const seen = await records.read('a');
    server.pause();
    await expect(records.write('a', bytes('1'), seen?.version)).rejects.toMatchObject({
      code: 'TIMEOUT',
      outcome: 'unknown',
    });
    server.resume();
    // What was sent may have been done meanwhile, or may yet come; whichever is first is the only one.
    await records.write('a', bytes('1'), seen?.version);
    expect(await records.write('a', bytes('2'), seen?.version)).toBe(false);
    expect(new TextDecoder().decode((await records.read('a'))?.value)).toBe('1');
  });

  it('are in a folder', async () => {
    await using client = open();
    for (const folder of ['', 'a//b', '../x']) {
      expect(() => consulRecords(client, { folder })).toThrow(/folder must be parts between slashes/u);
    }
  });
});
