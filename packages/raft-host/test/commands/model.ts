import type { Command } from '../../src/commands/command-batch.ts';

interface ModelSession {
  readonly id: number;
  readonly ttlMs: number;
  lastSeen: number;
  settled: number;
  readonly results: { readonly sequence: number; readonly result: string }[];
}

/** What clients may expect of a ledger with sessions: one command after the other, as simply as it can be said. */
export class Model {
  #sessions: ModelSession[] = [];
  #opened = 0;
  #time = 0;
  #lines = 0;

  entry(commands: readonly Command[], time: number): string[] {
    this.#time = Math.max(this.#time, time);
    this.#sessions = this.#sessions.filter(({ lastSeen, ttlMs }) => lastSeen + ttlMs >= this.#time);
    return commands.map((command) => this.#command(command));
  }

  #command(command: Command): string {
    if (command.kind === 'plain') return this.#line(command.data);
    if (command.kind === 'open-session') {
      this.#opened += 1;
      const { ttlMs } = command;
      this.#sessions.push({ id: this.#opened, ttlMs, lastSeen: this.#time, settled: 0, results: [] });
      return `session ${this.#opened}`;
    }
    const session = this.#sessions.find(({ id }) => id === command.sessionId);
    if (session === undefined) return 'SESSION_EXPIRED';
    session.lastSeen = this.#time;
    if (command.kind === 'keep-session') return 'done';
    if (command.kind === 'close-session') {
      this.#sessions = this.#sessions.filter((each) => each !== session);
      return 'done';
    }
    session.settled = Math.max(session.settled, command.settled);
    if (command.sequence < session.settled) return 'NOT_FOUND';
    const known = session.results.find(({ sequence }) => sequence === command.sequence);
    if (known !== undefined) return known.result;
    const result = this.#line(command.data);
    session.results.push({ sequence: command.sequence, result });
    return result;
  }

  #line(data: Uint8Array): string {
    this.#lines += 1;
    return `${this.#lines}:${new TextDecoder().decode(data)}`;
  }
}
