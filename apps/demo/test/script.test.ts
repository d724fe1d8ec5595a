import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { FencingLedger, type Ledger } from '../src/ledger.ts';
import type { DemoOptions } from '../src/options.ts';
import { runScript } from '../src/script.ts';
import { openSession, type Session } from '../src/session.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const options: DemoOptions = {
  nodes: 3,
  script: true,
  discovery: 'static',
  election: 'majority',
  membership: 'connection',
  secret: undefined,
  profile: 'lan',
  data: undefined,
  registry: undefined,
  elector: undefined,
};

let session: Session | undefined;

afterEach(async () => {
  await session?.[Symbol.asyncDispose]();
  session = undefined;
});

/** Runs the script in this process, so that its world can be spoilt. */
async function runIn(opened: Session): Promise<readonly string[]> {
  session = opened;
  const lines: string[] = [];
  await runScript(opened, { step: () => undefined, event: (text) => void lines.push(text) });
  return lines;
}

function pidsOf({ history }: Session): readonly number[] {
  return history.events.flatMap((event) => (event.type === 'spawned' ? [event.pid] : []));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the demo unattended', () => {
  it('goes through the whole life of a cluster and ends with success', async () => {
    const { stdout, stderr } = await run(process.execPath, ['--conditions=@quorate/source', main, '--script'], {
      timeout: 60_000,
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/ms {2}\w leads in term \d/u);
    expect(stdout).toMatch(/and that was before \w's began, by/u);
    expect(stdout).toMatch(/its late ticket was refused: token \d+ is stale/u);
    expect(stdout).toContain('All was as it should be.');
    expect(stdout).toMatch(/\d ms {2}from SIGKILL of the leader to the next grant/u);
  });

  it('does so with a ledger that the nodes keep, of which no ticket is lost and none is there twice', async () => {
    const argv = ['--conditions=@quorate/source', main, '--script', '--election', 'raft'];
    const { stdout, stderr } = await run(process.execPath, argv, { timeout: 90_000 });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/and has every ticket in its copy of the ledger, up to \d+/u);
    expect(stdout).toMatch(/its late ticket was refused: token \d+ is stale/u);
    expect(stdout).toMatch(/\d+ of them were acknowledged to their leaders: none is lost, and none is there twice/u);
    expect(stdout).toMatch(/3 copies of the ledger, the same line by line: a \d+, b \d+, c \d+ tickets/u);
    expect(stdout).toContain('All was as it should be.');
  }, 100_000);

  it('does so with a secret, which a stranger does not know, and with nodes that gossip about who is there', async () => {
    const parts = ['--membership', 'swim', '--secret', 'correct horse battery staple'];
    const argv = ['--conditions=@quorate/source', main, '--script', ...parts];
    const { stdout, stderr } = await run(process.execPath, argv, { timeout: 120_000 });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/ms {2}every node holds \w for dead/u);
    expect(stdout).toMatch(/\w says: refused a connection from 127\.0\.0\.1:\d+: its secret is not accepted here/u);
    expect(stdout).toContain('every node has refused it');
    expect(stdout).toMatch(/ms {2}every node was told that it leaves/u);
    expect(stdout).toContain('All was as it should be.');
  }, 130_000);

  it('says in one line which server is not to be had', async () => {
    const { KUBEBUILDER_ASSETS: _, QUORATE_SERVERS: __, ...env } = process.env;
    const argv = ['--conditions=@quorate/source', main, '--script', '--discovery', 'kubernetes'];
    const running = run(process.execPath, argv, { env: { ...env, QUORATE_KUBERNETES: import.meta.dirname } });
    await expect(running).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^kube-apiserver is not to be had here: [^\n]+\n$/u),
    });
  });

  it('fails when a copy of the ledger differs', async () => {
    const opened = await openSession({ ...options, election: 'raft' });
    const ticket = { id: 'x-1-1', node: 'x', token: 1n };
    const line = { position: 3, ticket, verdict: { type: 'accepted', number: 3 }, count: 3 } as const;
    const spoil = opened.history.listen((event) => {
      if (event.source !== 'ledger' || event.type !== 'accepted' || event.number < 5) return;
      spoil[Symbol.dispose]();
      opened.copies.hear('b', { type: 'copied', at: 0, line, isReplay: false });
    });
    await expect(runIn(opened)).rejects.toThrow(
      /^Audit everything that happened: line 3 is x-1-1, numbered 3 in b's copy, and \w-2-3, numbered 3 in another$/u,
    );
  }, 100_000);

  it('fails when the resource does not fence, and leaves no process behind', async () => {
    const opened = await openSession(options, new TrustingLedger());
    await expect(runIn(opened)).rejects.toThrow(
      /^Pause the leader .*: \w's late ticket was accepted with its stale token \d+$/u,
    );
    const pids = pidsOf(opened);
    expect(pids).toHaveLength(4);
    await opened[Symbol.asyncDispose]();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('fails when a node ends that should not', async () => {
    const opened = await openSession(options);
    const killFollower = opened.history.listen((event) => {
      if (event.type !== 'granted') return;
      killFollower[Symbol.dispose]();
      const follower = opened.supervisor.nodes.find(({ id }) => id !== event.node);
      process.kill(follower?.pid ?? 0, 'SIGKILL');
    });
    await expect(runIn(opened)).rejects.toThrow(/node \w ended by itself, by SIGKILL/u);
  });
});

/** Numbers whatever comes. */
class TrustingLedger implements Ledger {
  #count = 0;

  submit(token: bigint, node: string): ReturnType<Ledger['submit']> {
    const ledger = new FencingLedger();
    this.#count += 1;
    return { ...ledger.submit(token, node), type: 'accepted', number: this.#count };
  }
}
