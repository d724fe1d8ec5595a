import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** Watches over another process. */
export interface ProcessGuard {
  /** To be called when that process is gone, or needs no guard any more. */
  release(): void;
}

/**
 * Sends signals to a process when this one has ended, by whatever signal, which it can't do itself then. The guard is a
 * shell, whose input ends with this process. Without a shell there is just no guard.
 */
export function guardProcess(pid: number, signals: readonly ('CONT' | 'KILL')[]): ProcessGuard {
  const kills = signals.map((signal) => `kill -${signal} "$0"`).join('; ');
  const guard = spawn('sh', ['-c', `read -r line || { ${kills}; }`, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Not of our group: what ends all of that must leave the guard to do its work.
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  // A pipe of ours is a socket: neither is to keep a program from ending.
  (guard.stdin as Socket).unref();
  return { release: () => void guard.stdin.end('released\n') };
}
