import type { CallOptions } from './call-options.ts';
import type { Clock } from './clock.ts';
import { isClusterError } from './cluster-error.ts';
import type { NodeId } from './cluster-node.ts';
import { settleWithin, sleep, withDeadline } from './deadline.ts';
import type { Membership } from './membership.ts';
import { messageKind, type Transport } from './transport.ts';

/** What a membership needs to say goodbye by requests to each of the others. */
export interface LeaveAnnouncement {
  readonly clock: Clock;
  readonly transport: Pick<Transport, 'self' | 'request'>;
  readonly membership: Pick<Membership, 'view' | 'watch'>;
  /** What each is asked, as kind `GOSSIP`. Any answer is an acknowledgement. */
  readonly notice: Uint8Array;
  readonly timeoutMs: number;
}

/** How long after a failure the same member is asked again. */
const ASK_AGAIN_AFTER_MS = 200;

/**
 * Asks every member that is alive now, again and again, and resolves once more than half of them have answered; at once
 * when there are none. One that has left meanwhile, or knows no such request, doesn't count; one that falls silent does.
 * @throws ClusterError `TIMEOUT`, `ABORTED`
 */
export function announceLeave(announcement: LeaveAnnouncement, options: CallOptions = {}): Promise<void> {
  const { clock, timeoutMs } = announcement;
  return withDeadline(clock, timeoutMs, 'leave', (signal) => acknowledged(announcement, signal), options);
}

function acknowledged(announcement: LeaveAnnouncement, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  return settleWithin(signal, 'leave', (resolve) => {
    const count = new Acknowledgements(othersAlive(announcement), resolve);
    // Before anybody is asked, so that no change is missed.
    void excuseLeavers(announcement, count, done.signal);
    for (const id of count.missing) void ask(announcement, id, count, done.signal);
    count.check();
    return () => done.abort();
  });
}

function othersAlive({ membership, transport }: LeaveAnnouncement): NodeId[] {
  const alive = [...membership.view.members.values()].filter(({ state }) => state === 'alive');
  return alive.map(({ node }) => node.id).filter((id) => id !== transport.self.id);
}

class Acknowledgements {
  readonly #missing: Set<NodeId>;
  readonly #onMajority: () => void;
  #count = 0;

  constructor(asked: readonly NodeId[], onMajority: () => void) {
    this.#missing = new Set(asked);
    this.#onMajority = onMajority;
  }

  get missing(): readonly NodeId[] {
    return [...this.#missing];
  }

  from(id: NodeId): void {
    if (this.#missing.delete(id)) this.#count += 1;
    this.check();
  }

  excuse(id: NodeId): void {
    this.#missing.delete(id);
    this.check();
  }

  check(): void {
    if (this.#missing.size === 0 || this.#count > this.#missing.size) this.#onMajority();
  }
}

async function ask(
  { clock, transport, notice }: LeaveAnnouncement,
  id: NodeId,
  count: Acknowledgements,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await transport.request(id, messageKind.GOSSIP, notice, { signal });
      return count.from(id);
    } catch (error) {
      if (isClusterError(error, 'UNSUPPORTED')) return count.excuse(id);
    }
    await sleep(clock, ASK_AGAIN_AFTER_MS, { signal }).catch(() => undefined);
  }
}

async function excuseLeavers(
  { membership }: LeaveAnnouncement,
  count: Acknowledgements,
  signal: AbortSignal,
): Promise<void> {
  for await (const { type, member } of membership.watch({ signal })) if (type === 'left') count.excuse(member.node.id);
}
