import { type Clock, type Session, sleep } from '@quorate/core';
import type { World } from '@quorate/simulator';
import type { TallyReplicator } from './tally.ts';

/** The longest that a client rests between two commands. */
const MAX_REST_MS = 300;
const COMMAND_MS = 3000;

/** A client on each node that adds 1 again and again, in sessions, and remembers what it was told. */
export class TallyClients {
  readonly #world: World;
  #attempted = 0;
  #acknowledged = 0;
  #isOver = false;

  constructor(world: World) {
    this.#world = world;
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Works until the process ends, or `stop`. */
  async work(replicator: TallyReplicator, clock: Clock): Promise<void> {
    let session: Session<number, number> | undefined;
    while (!this.#isOver) {
      await sleep(clock, this.#world.random.next() * MAX_REST_MS);
      try {
        session ??= await replicator.openSession();
        if (this.#isOver) return;
        this.#attempted += 1;
        await session.replicate(1, { timeoutMs: COMMAND_MS });
        this.#acknowledged += 1;
      } catch (error) {
        this.#world.note(`a command failed: ${String(error)}`);
        session = undefined;
      }
    }
  }

  /**
   * What the tally must be by now, at least: to be asked before it is read.
   * @returns judges the tally; throws where something was lost or done twice
   */
  audit(): (tally: number) => void {
    const acknowledged = this.#acknowledged;
    return (tally) => {
      if (tally >= acknowledged && tally <= this.#attempted) return;
      throw new Error(`the tally is ${tally}: ${acknowledged} were acknowledged, of ${this.#attempted}`);
    };
  }
}
