import type { ClusterEvents } from './cluster.ts';
import { isClusterError } from './cluster-error.ts';
import type { ClusterContext } from './context.ts';
import { settleWithin } from './deadline.ts';
import type { LeaderElection, LeaderInfo, Leadership } from './election.ts';
import type { Emitter } from './events.ts';
import { retry } from './retry.ts';

/** Follows an election for one cluster: keeps what the events have told, and stands again and again if wanted. */
export class LeadershipKeeper {
  readonly #context: ClusterContext;
  readonly #election: LeaderElection;
  readonly #emitter: Emitter<ClusterEvents>;
  readonly #onError: (during: string, error: unknown) => void;
  /** As the last `leaderChanged` told. */
  #leader: LeaderInfo | undefined;
  /** Told to be acquired, and not yet to be lost. */
  #held: Leadership | undefined;

  constructor(
    context: ClusterContext,
    election: LeaderElection,
    emitter: Emitter<ClusterEvents>,
    onError: (during: string, error: unknown) => void,
  ) {
    this.#context = context;
    this.#election = election;
    this.#emitter = emitter;
    this.#onError = onError;
  }

  get leader(): LeaderInfo | undefined {
    return this.#leader;
  }

  /** Tells of leaders, and of this node's grants whoever campaigned for them, until the election is disposed. */
  async observe(signal: AbortSignal): Promise<void> {
    const follow = async (): Promise<void> => {
      for await (const _ of this.#election.watch({ signal })) {
        this.#refresh();
        if (this.#election.leadership !== undefined) this.#acquired(this.#election.leadership);
      }
    };
    await retry(this.#context, signal, follow, (error) => this.#onError('observe the election', error));
  }

  /** Stands for election, and again whenever the grant has ended, until the signal aborts. */
  async campaign(signal: AbortSignal): Promise<void> {
    const stand = async (): Promise<void> => {
      for (;;) {
        const leadership = await this.#election.campaign({ signal });
        if (leadership.signal.aborted) throw leadership.signal.reason;
        this.#acquired(leadership);
        await ended(leadership, signal);
      }
    };
    const attempt = (): Promise<void> => stand().catch((error: unknown) => this.#endIfNoCandidate(error));
    await retry(this.#context, signal, attempt, (error) => {
      // Withdrawn, by the election's own resign: that is no failure, and it stands again after a pause.
      if (!isClusterError(error, 'ABORTED')) this.#onError('campaign', error);
    });
  }

  #endIfNoCandidate(error: unknown): void {
    if (!isClusterError(error, 'UNSUPPORTED')) throw error;
    this.#context.logger.info(`this node observes the election only: ${error.message}`);
  }

  #acquired(leadership: Leadership): void {
    if (leadership === this.#held || leadership.signal.aborted) return;
    if (this.#held?.token === leadership.token) return;
    if (this.#held !== undefined) this.#lost(this.#held, new Error('another grant began'));
    this.#held = leadership;
    leadership.signal.addEventListener('abort', () => this.#lost(leadership, leadership.signal.reason), { once: true });
    this.#context.logger.info(`this node leads, token ${leadership.token}`);
    this.#refresh();
    // A listener may have ended it.
    if (this.#held === leadership) this.#emitter.emit('leadershipAcquired', { leadership });
  }

  #lost(leadership: Leadership, reason: unknown): void {
    if (this.#held !== leadership) return;
    this.#held = undefined;
    this.#context.logger.info(`this node leads no longer, token ${leadership.token}: ${String(reason)}`);
    const previous = this.#leader;
    this.#leader = this.#election.leader;
    this.#emitter.emit('leadershipLost', { leadership, reason });
    this.#tell(previous);
  }

  #refresh(): void {
    const previous = this.#leader;
    this.#leader = this.#election.leader;
    this.#tell(previous);
  }

  #tell(previous: LeaderInfo | undefined): void {
    const leader = this.#leader;
    if (leader?.nodeId === previous?.nodeId && leader?.token === previous?.token) return;
    this.#emitter.emit('leaderChanged', { leader, previous });
  }
}

/** Resolves when the grant has ended; rejects with the signal. */
function ended(leadership: Leadership, signal: AbortSignal): Promise<void> {
  return settleWithin<void>(signal, 'campaign', (resolve) => {
    const onEnd = (): void => resolve();
    leadership.signal.addEventListener('abort', onEnd, { once: true });
    if (leadership.signal.aborted) resolve();
    return () => leadership.signal.removeEventListener('abort', onEnd);
  });
}
