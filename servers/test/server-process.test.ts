import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { ServerProcess } from '../src/server-process.ts';

const IDLE = 'setInterval(() => undefined, 1000)';

function command(script: string, details: Partial<Parameters<typeof ServerProcess.start>[0]> = {}) {
  const isReady = () => Promise.resolve(true);
  return { name: 'node', program: process.execPath, args: ['--eval', script], isReady, ...details };
}

/** Signal 0 asks whether there is such a process. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a server as a process', () => {
  it('that does not get ready is not left behind', async () => {
    const script = `process.stdout.write('pid ' + process.pid + ' '); ${IDLE}`;
    const never = () => Promise.resolve(false);
    const starting = ServerProcess.start(command(script, { isReady: never, readyWithinMs: 2_000 }));
    const error: unknown = await starting.catch((reason: unknown) => reason);
    const pid = Number(/pid (\d+)/u.exec(String(error))?.[1]);
    expect(pid).toBeGreaterThan(0);
    expect(isAlive(pid)).toBe(false);
  });

  it.each([
    ['ends', command('process.exit(3)'), 'ended with 3'],
    ['is killed', command(`process.kill(process.pid, 'SIGKILL'); ${IDLE}`), 'ended with SIGKILL'],
    ['is no program', command('', { program: '/nowhere/server' }), "can't be started"],
  ])(
    'that %s is not waited for',
    async (_, given, expected) => {
      const starting = ServerProcess.start({ ...given, isReady: () => Promise.resolve(false) });
      await expect(starting).rejects.toThrow(expected);
    },
    10_000,
  );

  it('leaves nothing to this one, however often it is restarted', async () => {
    const before = children();
    const server = await ServerProcess.start(command(IDLE));
    for (let restart = 0; restart < 3; restart += 1) {
      await server.kill();
      await server.start();
    }
    // Itself and its guard.
    await expect.poll(children).toBe(before + 2);
    await server[Symbol.asyncDispose]();
    await expect.poll(children).toBe(before);
  });
});

/** How many processes this one has. */
function children(): number {
  const listed = spawnSync('ps', ['-A', '-o', 'ppid=,comm='], { encoding: 'utf8' }).stdout;
  const ours = new RegExp(`^ *${process.pid} (?!ps$)`, 'gmu');
  return listed.match(ours)?.length ?? 0;
}
