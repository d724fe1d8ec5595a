import { Backoff, type Clock, type ClusterContext, type ClusterError, type NodeId, sleep } from '@quorate/core';
import { askForRepair, encodeRepairRequest } from './repair-request.ts';

/** How long a leader may take to add this node; what comes then needs nobody to ask. */
const LEADER_MS = 5000;
/** Beyond that, for the answer. */
const ANSWER_MS = 1000;
const MAX_PAUSE_MS = 5000;
/** Of those that are connected. */
const MAX_ASKED = 256;
/** Each so many rounds in vain, an operator is told. */
const ROUNDS_PER_WARNING = 10;

export interface RepairAskingParts {
  readonly context: Pick<ClusterContext, 'clock' | 'random' | 'logger' | 'self' | 'transport'>;
  readonly group: number;
  /** Between two rounds, at first. */
  readonly pauseMs: number;
  readonly call: (to: NodeId, body: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  /** Whether this node has a place by now: its invitation came. */
  readonly isDone: () => boolean;
  /** A leader says that this node is no member any more. */
  readonly refused: (error: ClusterError) => void;
}

/**
 * Asks, for a node that has lost its log, until the group has given it a place again. Whom to ask is not known any more: so
 * all who are connected are; those who don't lead say who does.
 */
export class RepairAsking {
  readonly #parts: RepairAskingParts;
  readonly #backoff: Backoff;
  readonly #ending = new AbortController();
  #leader: NodeId | undefined;
  #rounds = 0;

  constructor(parts: RepairAskingParts) {
    this.#parts = parts;
    const { context, pauseMs } = parts;
    this.#backoff = new Backoff(context.random, { baseMs: pauseMs, maxMs: Math.max(pauseMs, MAX_PAUSE_MS) });
  }

  /** Resolves when there is nothing to ask for any more. Never rejects. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      const error = await this.#round();
      if (this.#isOver) return;
      this.#tell(error);
      await sleep(this.#clock, this.#backoff.next(), { signal: this.#ending.signal }).catch(() => undefined);
    }
  }

  end(): void {
    this.#ending.abort();
  }

  get #clock(): Clock {
    return this.#parts.context.clock;
  }

  get #isOver(): boolean {
    return this.#ending.signal.aborted || this.#parts.isDone();
  }

  /** @returns what was said last, by whoever could not help */
  async #round(): Promise<ClusterError | undefined> {
    const asked = new Set<NodeId>();
    let last: ClusterError | undefined;
    for (let next = this.#next(asked); next !== undefined && !this.#isOver; next = this.#next(asked)) {
      asked.add(next);
      const to = next;
      const body = encodeRepairRequest(LEADER_MS);
      const answer = await askForRepair(() => this.#parts.call(to, body, LEADER_MS + ANSWER_MS));
      if (this.#isOver || answer.type === 'granted') return undefined;
      if (answer.type === 'refused') {
        this.end();
        this.#parts.refused(answer.error);
        return undefined;
      }
      last = answer.error;
      this.#leader = answer.leader;
    }
    return last;
  }

  /** Whoever was said to lead goes first. */
  #next(asked: ReadonlySet<NodeId>): NodeId | undefined {
    const { peers } = this.#parts.context.transport;
    const connected = peers.flatMap(({ node, state }) => (state === 'connected' ? [node.id] : [])).slice(0, MAX_ASKED);
    const open = connected.filter((each) => !asked.has(each));
    return open.find((each) => each === this.#leader) ?? open[0];
  }

  #tell(error: ClusterError | undefined): void {
    const { context, group } = this.#parts;
    this.#rounds += 1;
    const why = error?.message ?? 'there is nobody to ask';
    const message = `group ${group}: no place for this node, which has lost its log, as yet: ${why}`;
    if (this.#rounds % ROUNDS_PER_WARNING > 0) context.logger.debug(message, error);
    else {
      const help = 'forceNewCluster on a node whose log is whole, or restoreGroup';
      context.logger.warn(`${message}; where its quorum is gone for good: ${help}`, error);
    }
  }
}
