import { type Clock, ClusterError, type Random, randomId, throwIfAborted, type Timer } from '@quorate/core';

/** One that is not read for so long is given up: its reader has gone. Milliseconds. */
const IDLE_MS = 30_000;
/** Each holds a state of the machine. */
const MAX_OPEN = 2;
/** Fits into the smallest frame that a transport may have. */
const CHUNK_BYTES: number = 48 * 1024;

interface OpenBackup {
  readonly chunks: AsyncIterator<Uint8Array>;
  readonly ending: AbortController;
  /** What was taken from `chunks`, and not read yet. */
  rest: Uint8Array;
  isOver: boolean;
  isBusy: boolean;
  idle: Timer;
}

/** Backups that are being read, piece by piece, by whoever asked for them. */
export class OpenBackups implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #open = new Map<string, OpenBackup>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Resolves when the state is captured.
   * @param asked aborts when whoever asks has gone: nobody else knows what it is called, and it would take the place of another
   * @throws ClusterError `OVERLOADED`, `ABORTED`; what the backup throws
   */
  async open(start: (signal: AbortSignal) => AsyncIterable<Uint8Array>, asked: AbortSignal): Promise<string> {
    if (this.#open.size >= MAX_OPEN) {
      throw new ClusterError('OVERLOADED', `${MAX_OPEN} backups are being read here already`, {
        outcome: 'not-applied',
      });
    }
    const id = randomId(this.#random);
    const ending = new AbortController();
    const chunks = start(ending.signal)[Symbol.asyncIterator]();
    const idle = this.#clock.setTimer(IDLE_MS, () => void this.close(id));
    const backup: OpenBackup = { chunks, ending, rest: new Uint8Array(), isOver: false, isBusy: true, idle };
    this.#open.set(id, backup);
    const giveUp = (): void => void this.close(id);
    asked.addEventListener('abort', giveUp);
    try {
      throwIfAborted(asked, 'backup');
      await this.#fill(backup);
      throwIfAborted(asked, 'backup');
    } catch (error) {
      await this.close(id);
      throw error;
    } finally {
      asked.removeEventListener('abort', giveUp);
    }
    backup.isBusy = false;
    return id;
  }

  /**
   * The next piece, behind a byte that is 1 when it is the last one.
   * @throws ClusterError `NOT_FOUND` for one that was given up, or read to its end
   */
  async read(id: string): Promise<Uint8Array> {
    const backup = this.#open.get(id);
    if (backup === undefined) throw new ClusterError('NOT_FOUND', 'this backup was given up: begin again');
    if (backup.isBusy) throw new ClusterError('OVERLOADED', 'a piece of this backup is being read already');
    this.#restartIdle(id, backup);
    backup.isBusy = true;
    const piece = backup.rest.subarray(0, CHUNK_BYTES);
    try {
      backup.rest = backup.rest.subarray(piece.length);
      if (backup.rest.length === 0) await this.#fill(backup);
    } catch (error) {
      await this.close(id);
      throw error;
    }
    backup.isBusy = false;
    const answer = new Uint8Array(1 + piece.length);
    answer[0] = backup.isOver && backup.rest.length === 0 ? 1 : 0;
    answer.set(piece, 1);
    if (answer[0] === 1) await this.close(id);
    return answer;
  }

  async close(id: string): Promise<void> {
    const backup = this.#open.get(id);
    if (backup === undefined) return;
    this.#open.delete(id);
    backup.idle.cancel();
    backup.ending.abort();
    // What it held is let go; that it was cut off is no news.
    await backup.chunks.return?.().catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.close(id)));
  }

  async #fill(backup: OpenBackup): Promise<void> {
    while (backup.rest.length === 0 && !backup.isOver) {
      const next = await backup.chunks.next();
      if (next.done === true) backup.isOver = true;
      else backup.rest = next.value;
    }
  }

  #restartIdle(id: string, backup: OpenBackup): void {
    backup.idle.cancel();
    backup.idle = this.#clock.setTimer(IDLE_MS, () => void this.close(id));
  }
}
