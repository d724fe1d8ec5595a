import type { NodeId } from '@quorate/core';
import type { LedgerEntry } from './ledger.ts';
import type { MachineMs, NodeReport } from './report.ts';
import type { StrangerEvent } from './stranger.ts';

/** What the supervisor did to a process, or saw of it. */
export type ProcessEvent =
  | { readonly type: 'spawned'; readonly at: MachineMs; readonly pid: number }
  /** Sent: SIGKILL, SIGSTOP, SIGCONT, SIGTERM. */
  | { readonly type: 'killed' | 'paused' | 'continued' | 'asked-to-stop'; readonly at: MachineMs }
  | {
      readonly type: 'exited';
      readonly at: MachineMs;
      readonly code: number | undefined;
      readonly signal: string | undefined;
      /** Whether the supervisor asked for it. */
      readonly expected: boolean;
      /** The last lines it wrote, if it was not expected. */
      readonly output: readonly string[];
    };

export type HistoryEvent =
  | ({ readonly source: 'node'; readonly node: NodeId } & Exclude<NodeReport, { readonly type: 'copied' }>)
  | ({ readonly source: 'process'; readonly node: NodeId } & ProcessEvent)
  | ({ readonly source: 'stranger' } & StrangerEvent)
  | ({ readonly source: 'ledger' } & LedgerEntry);

export type EventOf<S extends HistoryEvent['source'], T extends HistoryEvent['type']> = HistoryEvent & {
  readonly source: S;
  readonly type: T;
};

/** A grant as its node told it. */
export interface GrantRecord {
  readonly node: NodeId;
  readonly token: bigint;
  readonly beganAt: MachineMs;
  /** It was valid at least until then; until then and no longer if it is `final`. */
  readonly deadline: MachineMs;
  readonly final: boolean;
}

/** Beyond it the oldest are dropped: a demo that is watched for days keeps its memory. */
const MAX_EVENTS = 20_000;

/** Everything that happened, in the order in which the supervisor heard of it. */
export class History {
  #events: HistoryEvent[] = [];
  #dropped = 0;
  readonly #listeners = new Set<(event: HistoryEvent) => void>();

  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  /** A place in the history, for `until`: what is recorded from now on comes after it. */
  get mark(): number {
    return this.#dropped + this.#events.length;
  }

  /** What was recorded from `mark` on, as far as it is kept. */
  since(mark: number): readonly HistoryEvent[] {
    return this.#events.slice(Math.max(0, mark - this.#dropped));
  }

  record(event: HistoryEvent): void {
    this.#events.push(event);
    if (this.#events.length > MAX_EVENTS) {
      const tooMany = MAX_EVENTS / 4;
      this.#events = this.#events.slice(tooMany);
      this.#dropped += tooMany;
    }
    for (const listener of this.#listeners) listener(event);
  }

  /** Disposing the result ends it. */
  listen(listener: (event: HistoryEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Resolves with what `find` makes of the first event from `mark` on of which it makes something. Rejects when that
   * has not happened within the time, or as soon as a process ends that should not.
   */
  until<T>(
    what: string,
    withinMs: number,
    find: (event: HistoryEvent) => T | undefined,
    mark: number = this.mark,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (then: () => void) => {
        clearTimeout(timer);
        listening[Symbol.dispose]();
        then();
      };
      const look = (event: HistoryEvent): boolean => {
        const found = find(event);
        if (found !== undefined) finish(() => resolve(found));
        else if (isCrash(event)) finish(() => reject(new Error(describeCrash(event))));
        return found !== undefined || isCrash(event);
      };
      const listening = this.listen(look);
      const late = () => finish(() => reject(new Error(`${what}: it did not happen within ${withinMs} ms`)));
      const timer = setTimeout(late, withinMs);
      this.since(mark).some(look);
    });
  }
}

/** The grants of a history, in the order of their tokens. */
export function grantsOf(events: readonly HistoryEvent[]): readonly GrantRecord[] {
  const grants = new Map<string, GrantRecord>();
  for (const event of events) {
    if (event.source !== 'node') continue;
    if (event.type !== 'granted' && event.type !== 'printing' && event.type !== 'ended') continue;
    const key = `${event.token} ${event.node}`;
    const before = grants.get(key);
    if (event.type === 'granted') {
      const { node, token, at } = event;
      grants.set(key, { node, token, beganAt: at, deadline: at, final: false });
    } else if (before !== undefined) {
      grants.set(key, { ...before, deadline: event.deadline, final: event.type === 'ended' });
    }
  }
  return [...grants.values()].sort((a, b) => (a.token < b.token ? -1 : 1));
}

function isCrash(event: HistoryEvent): event is EventOf<'process', 'exited'> {
  return event.source === 'process' && event.type === 'exited' && !event.expected;
}

function describeCrash({ node, code, signal, output }: EventOf<'process', 'exited'>): string {
  const how = signal === undefined ? `with code ${code}` : `by ${signal}`;
  return [`node ${node} ended by itself, ${how}`, ...output.map((line) => `  ${line}`)].join('\n');
}
