import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import path from 'node:path';

import { afterEach, expect, it } from 'vitest';

import type { MulticastDiscoveryOptions } from '../../src/index.ts';

const node = path.resolve(import.meta.dirname, '../../../../node_modules/.bin/node');
const program = path.join(import.meta.dirname, 'announcing-process.ts');
const running: Program[] = [];
const PATIENCE = { timeout: 15_000 };

/** One of several nodes of this machine, each a process of its own. */
class Program {
  readonly child: ChildProcess;
  #said = '';

  constructor(id: string, port: number, options: MulticastDiscoveryOptions) {
    this.child = spawn(node, ['--conditions=@quorate/source', program, id, String(port), JSON.stringify(options)]);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => void (this.#said += chunk.toString()));
    }
    running.push(this);
  }

  /** Whom it sees now, or what else it said last. */
  get sees(): string {
    return (
      this.#said
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^\w+ sees ?/u, '')
        .replaceAll('@127.0.0.1:', '') ?? ''
    );
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }
}

afterEach(async () => {
  for (const { child } of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

// Loopback has multicast in IPv4; in IPv6 a network card is needed, with an address of its link.
const linked = Object.entries(networkInterfaces()).find(([, addresses]) =>
  addresses?.some(({ internal, address }) => !internal && address.startsWith('fe80:')),
)?.[0];
const places = [
  { name: 'IPv4 on loopback', group: '239.255.81.83', interface: '127.0.0.1', ttl: 0 },
  { name: 'IPv6 on a link', group: 'ff02::5152', interface: `::%${linked ?? ''}`, ttl: 0 },
];

for (const [index, { name, ...where }] of places.entries()) {
  it.skipIf(where.group.includes(':') && linked === undefined)(
    `processes of one machine find each other, and notice who leaves, is killed or stopped: ${name}`,
    async () => {
      const port = 30_010 + index + (process.pid % 1_000) * 20;
      const options = { secret: 'a secret of the tests', ...where, port, intervalMs: 300, collectMs: 250 };
      const [a, b, c] = [1, 2, 3].map((at) => new Program('xabc'[at] ?? '', 7_000 + at, options)) as [
        Program,
        Program,
        Program,
      ];
      await expect
        .poll(() => [a.sees, b.sees, c.sees], PATIENCE)
        .toEqual(['b7002 c7003', 'a7001 c7003', 'a7001 b7002']);
      await c.stop('SIGKILL');
      await expect.poll(() => [a.sees, b.sees], PATIENCE).toEqual(['b7002', 'a7001']);
      const d = new Program('d', 7_004, options);
      await expect
        .poll(() => [a.sees, b.sees, d.sees], PATIENCE)
        .toEqual(['b7002 d7004', 'a7001 d7004', 'a7001 b7002']);
      a.child.kill('SIGSTOP');
      await expect.poll(() => b.sees, PATIENCE).toBe('d7004');
      a.child.kill('SIGCONT');
      await expect.poll(() => b.sees, PATIENCE).toBe('a7001 d7004');
      expect(a.sees).toBe('b7002 d7004');
      await d.stop('SIGTERM');
      expect(d.child.exitCode).toBe(0);
      await expect.poll(() => [a.sees, b.sees], { timeout: 1_000 }).toEqual(['b7002', 'a7001']);
    },
    40_000,
  );
}
