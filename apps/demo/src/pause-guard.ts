import { spawn } from 'node:child_process';

/** Watches over a paused process. */
export interface PauseGuard {
  /** To be called when the process runs again, or is gone. */
  release(): void;
}

/**
 * A process that is stopped cannot notice that its supervisor died, and would be left behind for ever. The guard, a
 * shell, does: its input ends with the supervisor, and then it continues the process, which ends by itself.
 */
export function guardPaused(pid: number): PauseGuard {
  const guard = spawn('sh', ['-c', 'read -r line || kill -CONT "$0"', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell the demo still works; only a supervisor that is killed leaves its paused process behind.
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  return {
    release: () => void guard.stdin.end('released\n'),
  };
}
