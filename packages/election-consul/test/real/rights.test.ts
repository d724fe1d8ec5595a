import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { consulElection } from '../../src/index.ts';
import { contextOf, Scene, timings } from './scene.ts';

const started = await ConsulServer.start({ acl: true });
if (started === undefined) reportAbsent('consul');
afterAll(async () => started?.[Symbol.asyncDispose]());

describe.skipIf(started === undefined)('an election on a Consul with access control', () => {
  const server = started as ConsulServer;

  async function tokenFor(name: string, rules: string): Promise<string> {
    await server.call('PUT', '/v1/acl/policy', { Name: name, Rules: rules });
    const token = await server.call('PUT', '/v1/acl/token', { Policies: [{ Name: name }] });
    return (token as { readonly SecretID: string }).SecretID;
  }

  it('needs to write sessions and its key, and no more; to observe, to read the key', async () => {
    await using scene = new Scene(server, 'guarded/leader/.lock');
    const rules = 'session_prefix "" { policy = "write" } key "guarded/leader/.lock" { policy = "write" }';
    const token = await tokenFor('candidate', rules);
    const reader = await tokenFor('observer', 'key "guarded/leader/.lock" { policy = "read" }');
    const [a, b] = [await scene.join('a', { token }), await scene.join('b', { token })];
    const observer = await scene.join('observer', { token: reader });
    const first = await a.election.campaign();
    const second = b.election.campaign();
    await scene.until('it is observed', () => observer.election.leader?.token === first.token);
    await a.election.resign();
    expect((await second).token).toBeGreaterThan(first.token);
    await scene.until('it is observed', () => observer.election.leader?.nodeId === 'b');
    // As if there were no lease of anybody's.
    await server.call('DELETE', `/v1/kv/${scene.key}`);
    expect((await a.election.campaign()).token).toBeGreaterThan(first.token);
  });

  it('waits where there is no key if it must not see the sessions of others', async () => {
    await using scene = new Scene(server, 'guarded/narrow/.lock');
    const rules = 'session "test-agent" { policy = "write" } key "guarded/narrow/.lock" { policy = "write" }';
    const a = await scene.join('a', { token: await tokenFor('narrow', rules) });
    const startedAt = scene.clock.now();
    const first = await a.election.campaign();
    expect(scene.clock.now() - startedAt).toBeGreaterThan(timings.ttlMs);
    await a.election.resign();
    const resignedAt = scene.clock.now();
    expect((await a.election.campaign()).token).toBeGreaterThan(first.token);
    expect(scene.clock.now() - resignedAt).toBeLessThan(timings.ttlMs);
  });

  it('says what the token lacks, and goes on when it has it', async () => {
    const lines: string[] = [];
    const key = 'guarded/late/.lock';
    const logger = { ...contextOf('a', 1, nodeSystem()).logger, warn: (line: string) => void lines.push(line) };
    let token = await tokenFor('powerless', 'key "else" { policy = "read" }');
    const engine = consulEngine({ address: server.address, token: () => Promise.resolve(token) });
    const context = { ...contextOf('a', 1, nodeSystem()), logger };
    await using scene = new Scene(server, key);
    await using election = consulElection({ engine, key, ...timings }).create(context);
    await election.start();
    const campaign = election.campaign();
    await scene.until('a warning', () => lines.length > 0);
    expect(lines[0]).toContain('Permission denied');
    expect(lines.join()).not.toContain(token);
    token = await tokenFor('late', `session_prefix "" { policy = "write" } key "${key}" { policy = "write" }`);
    await scene.until('it leads', () => election.leadership?.isValid() === true);
    expect((await campaign).nodeId).toBe('a');
    await scene.join('b');
    await scene.until('a look', () => true);
  });

  it('says which option asks for less than its agents allow for', async () => {
    const lines: string[] = [];
    const logger = { ...contextOf('a', 1, nodeSystem()).logger, warn: (line: string) => void lines.push(line) };
    const engine = consulEngine({ address: server.address, token: server.token });
    const plugin = consulElection({ engine, key: 'guarded/short/.lock', ttlMs: 1_000, sessionTtlMs: 500 });
    await using election = plugin.create({ ...contextOf('a', 1, nodeSystem()), logger });
    await election.start();
    const controller = new AbortController();
    const campaign = election.campaign({ signal: controller.signal });
    await using scene = new Scene(server, 'unused');
    await scene.until('a warning', () => lines.length > 0);
    expect(lines[0]).toMatch(/sessionTtlMs: Consul takes no session of 500 ms.*session_ttl_min/u);
    controller.abort();
    await expect(campaign).rejects.toThrow();
    await scene.until('a look', () => true);
  });
});
