import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { DemoOptions } from '../../src/demo/demo-options.ts';
import { openSession, type Session } from '../../src/demo/session.ts';
import { killLeader } from '../../src/script/faults.ts';
import { audit } from '../../src/script/script.ts';
import { holds, isWhole, makeStage, type Stage } from '../../src/script/stage.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url));
const faithless = fileURLToPath(new URL('faithless-node.ts', import.meta.url));
const WAIT_MS = 180_000;

const options: DemoOptions = {
  nodes: 3,
  script: true,
  discovery: 'static',
  election: 'raft',
  membership: 'connection',
  secret: undefined,
  profile: 'lan',
  data: undefined,
  port: 0,
  registry: undefined,
  elector: undefined,
};

const opened: Session[] = [];

afterEach(async () => {
  for (const session of opened.splice(0)) await session[Symbol.asyncDispose]();
});

async function open(nodes: number, program?: string): Promise<{ stage: Stage; told: string[] }> {
  const session = await openSession({ ...options, nodes }, program);
  opened.push(session);
  const told: string[] = [];
  const stage = makeStage(session, { step: () => undefined, event: (text) => void told.push(text) });
  for (const { id } of session.supervisor.nodes) session.supervisor.start(id);
  await holds(stage, 'they are one cluster', () => isWhole(stage));
  return { stage, told };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** How many messages are delivered before anything is done. */
async function traffic({ traffic, supervisor, waitMs }: Stage, messages: number): Promise<void> {
  await traffic.start(AbortSignal.timeout(waitMs));
  const looking = setInterval(() => supervisor.look(), 50);
  try {
    await supervisor.until('messages are delivered', () => traffic.audit.counts.delivered >= messages, waitMs);
  } finally {
    clearInterval(looking);
  }
}

describe('the demo', () => {
  it(
    'loses its leader, gets it back, and keeps what the broker promises; then no process is left',
    async () => {
      const { stage, told } = await open(3);
      await traffic(stage, 100);
      await killLeader(stage);
      expect(told.join('\n')).toMatch(/a message was accepted that was published from then on\nand one was delivered/u);
      await stage.traffic.drain(AbortSignal.timeout(stage.waitMs));
      stage.traffic.audit.finish();
      expect(stage.traffic.audit.problems).toEqual([]);
      expect(stage.traffic.refusals).toEqual([]);
      expect(stage.traffic.audit.counts).toMatchObject({ lost: 0, outOfOrder: 0, problems: 0 });
      const state = stage.source.state();
      expect(state.nodes.map(({ process, status }) => [process, status?.members.length])).toEqual([
        ['running', 3],
        ['running', 3],
        ['running', 3],
      ]);
      expect(state.queues.map(({ name }) => name)).toContain('orders');
      const pids = stage.supervisor.nodes.map(({ pid }) => pid ?? 0);
      await opened.pop()?.[Symbol.asyncDispose]();
      expect(pids.filter(isAlive)).toEqual([]);
    },
    WAIT_MS,
  );

  it(
    'notices a broker that forgets, that hands a key out in another order, and that delivers what was acknowledged',
    async () => {
      const { stage } = await open(1, faithless);
      await traffic(stage, 300);
      // What the script would end with.
      const script = audit({ ...stage, output: { step: () => undefined, event: () => undefined } });
      const told = await script.then(
        () => 'All was as it should be.',
        (error: unknown) => String(error),
      );
      expect(told).toMatch(
        /^lost: reminders: r\w+-r-\d*7-0 was accepted as number \d+, was never delivered, was not acknowledged, and is gone$/mu,
      );
      expect(told).toMatch(
        /^out-of-order: invoices: r\w+-i-(\w+)-\d*4 came before r\w+-i-\1-\d*3 of its key was done with$/mu,
      );
      expect(told).toMatch(
        /unwarranted: orders: r\w+-\S+ came as delivery 2, after delivery 1 had been acknowledged$/mu,
      );
      const { lost, outOfOrder } = stage.traffic.audit.counts;
      expect([lost, outOfOrder].every((count) => count > 0)).toBe(true);
    },
    WAIT_MS,
  );

  it(
    'notices a node that ends and should not',
    async () => {
      const { stage } = await open(1);
      process.kill(stage.supervisor.node('a').pid ?? 0, 'SIGKILL');
      const never = stage.supervisor.until('nothing', () => false, WAIT_MS);
      await expect(never).rejects.toThrow('node a ended by itself, by SIGKILL');
    },
    WAIT_MS,
  );

  it('says in one line which server is not to be had', async () => {
    const { KUBEBUILDER_ASSETS: _, QUORATE_SERVERS: __, ...env } = process.env;
    const argv = ['--conditions=@quorate/source', '--disable-warning=ExperimentalWarning', main, '--script'];
    const running = run(process.execPath, [...argv, '--discovery', 'kubernetes'], {
      env: { ...env, QUORATE_KUBERNETES: import.meta.dirname },
    });
    await expect(running).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^kube-apiserver is not to be had here: [^\n]+\n$/u),
    });
  });
});
