import { Backoff, type BackoffOptions } from './backoff.ts';
import { Broadcast } from './broadcast.ts';
import type { CallOptions } from './call-options.ts';
import { ClusterError, toClusterError } from './cluster-error.ts';
import type { ClusterNode, NodeId } from './cluster-node.ts';
import type { ClusterContext } from './context.ts';
import { sleep, withDeadline } from './deadline.ts';
import type { DiscoveredNode, DiscoverySnapshot, DiscoverySupport, IClusterDiscovery } from './discovery.ts';
import { linkSignals } from './linked-signal.ts';
import { normalizeNodes } from './normalize-nodes.ts';
import { type OptionRules, rule } from './option-rules.ts';

/** The timings that every discovery built on `BaseClusterDiscovery` has. Spread `pollingRules` into your own rules. */
export interface PollingOptions {
  /**
   * From one answer to the next question, give or take a tenth.
   * @default 10000
   */
  readonly intervalMs?: number;
  /**
   * How long the source may take to answer.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /**
   * Between attempts while the source fails.
   * @default { baseMs: 1000, maxMs: 30000 }
   */
  readonly backoff?: BackoffOptions;
}

const HOUR_MS = 3_600_000;

/** The rules for `PollingOptions`, for discoveries that have these among their options. */
export const pollingRules: OptionRules<PollingOptions> = {
  intervalMs: rule.duration({ min: 10, max: HOUR_MS }),
  timeoutMs: rule.duration({ min: 1, max: HOUR_MS }),
  backoff: rule.group<BackoffOptions>('backoff', {
    baseMs: rule.duration({ min: 1, max: HOUR_MS }),
    maxMs: rule.duration({ min: 1, max: HOUR_MS }),
  }),
};

/** What a source said: the nodes, alone or with what else is known of the answer. */
export type LookupAnswer =
  | readonly DiscoveredNode[]
  | {
      readonly nodes: readonly DiscoveredNode[];
      readonly complete?: boolean;
      readonly revision?: string;
      /** When to ask again, where the answer itself says how long it holds. Polling uses it instead of `intervalMs`. */
      readonly refreshMs?: number;
      /** What is wrong with a part of the answer, for the log. One that the answer before had too is not repeated. */
      readonly problems?: readonly string[];
    };

/** Of what is wrong with one answer. */
const MAX_REPORTED = 10;

/** A call into the source. The signal aborts when its caller gives up, its time is over or the discovery is disposed. */
export interface LookupOptions {
  readonly signal: AbortSignal;
}

/**
 * What discoveries are made from: give it `lookup()` and it polls with jitter, backs off while the source fails, keeps
 * the last good answer, tells watchers only of differences, and cleans what the source says. A source that pushes
 * overrides `subscribe()` too; one that nodes can register with overrides `register()`, `unregister()` and `supports`.
 */
export abstract class BaseClusterDiscovery implements IClusterDiscovery {
  readonly supports: DiscoverySupport = { registration: false, watch: 'poll', createIfAbsent: false };
  readonly #context: Pick<ClusterContext, 'clock' | 'random' | 'logger' | 'self'>;
  readonly #source: string;
  readonly #options: Required<PollingOptions>;
  readonly #watchers = new Broadcast<DiscoverySnapshot>(1, { onIdle: () => this.#observing?.abort() });
  readonly #closed = new AbortController();
  /** There while somebody watches. */
  #observing: AbortController | undefined;
  #lastGood: DiscoverySnapshot | undefined;
  /** What was reported of the last answer: an answer that repeats itself is reported once. */
  #reported: ReadonlySet<string> = new Set();
  #disposing: Promise<void> | undefined;

  /** @param source whom it asks, for snapshots and logs: the adapter's name, with the place where there are several */
  constructor(
    context: Pick<ClusterContext, 'clock' | 'random' | 'logger' | 'self'>,
    source: string,
    { intervalMs = 10_000, timeoutMs = 5_000, backoff = { baseMs: 1_000, maxMs: 30_000 } }: PollingOptions = {},
  ) {
    this.#context = context;
    this.#source = source;
    this.#options = { intervalMs, timeoutMs, backoff };
  }

  /**
   * Asks the source once. Whatever it throws is a failure of the source; an empty list says that it answered, and
   * knows nobody.
   */
  protected abstract lookup(options: LookupOptions): Promise<LookupAnswer>;

  /**
   * Publishes answers until the signal aborts; a rejection is a failure of the source, after which it is called again.
   * Polls `lookup()` unless overridden.
   */
  protected async subscribe(publish: (answer: LookupAnswer) => void, { signal }: LookupOptions): Promise<void> {
    const { clock, random } = this.#context;
    while (!signal.aborted) {
      const answer = await this.#ask(signal);
      publish(answer);
      const refreshMs = isList(answer) ? undefined : answer.refreshMs;
      await sleep(clock, refreshMs ?? this.#options.intervalMs * (0.9 + 0.2 * random.next()), { signal });
    }
  }

  /** Tells the source of a node, and sees to it that it stays told until `closed` aborts. Idempotent. */
  protected register(_node: ClusterNode, _options: LookupOptions): Promise<void> {
    return Promise.reject(new ClusterError('UNSUPPORTED', `${this.#source}: nodes cannot be registered`));
  }

  /** Idempotent. */
  protected unregister(_nodeId: NodeId, _options: LookupOptions): Promise<void> {
    return Promise.reject(new ClusterError('UNSUPPORTED', `${this.#source}: nodes cannot be registered`));
  }

  /** Lets go of what the adapter holds. Called once, after `closed` has aborted. */
  protected release(): Promise<void> {
    return Promise.resolve();
  }

  /** Aborts when the discovery is disposed. */
  protected get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** The last answer that was not empty, or the only ones there were; `observedAt` tells its age. */
  get lastGood(): DiscoverySnapshot | undefined {
    return this.#lastGood;
  }

  async discoverNodes(options: CallOptions = {}): Promise<readonly DiscoveredNode[]> {
    return this.#accept(await this.#ask(options.signal));
  }

  registerNode(node: ClusterNode, options: CallOptions = {}): Promise<void> {
    return this.#call('register', (signal) => this.register(node, { signal }), options.signal);
  }

  unregisterNode(nodeId: NodeId, options: CallOptions = {}): Promise<void> {
    return this.#call('unregister', (signal) => this.unregister(nodeId, { signal }), options.signal);
  }

  watch(options: CallOptions = {}): AsyncIterable<DiscoverySnapshot> {
    const watcher = this.#watchers.watch(options, this.#lastGood === undefined ? [] : [this.#lastGood]);
    if (this.#watchers.readers > 0 && this.#observing === undefined) void this.#observe();
    return watcher;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposing === undefined) {
      this.#closed.abort(new ClusterError('CLOSED', `${this.#source}: disposed`));
      this.#observing?.abort();
      this.#watchers[Symbol.dispose]();
      this.#disposing = this.release();
    }
    await this.#disposing;
  }

  #ask(signal: AbortSignal | undefined): Promise<LookupAnswer> {
    return this.#call('lookup', (inner) => this.lookup({ signal: inner }), signal);
  }

  /** Runs a call of the adapter with a deadline; a discovery that was disposed refuses it, and ends one under way. */
  async #call<T>(what: string, call: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const closed = this.#closed.signal;
    const either = linkSignals(signal, closed);
    try {
      closed.throwIfAborted();
      const name = `${this.#source}: ${what}`;
      return await withDeadline(this.#context.clock, this.#options.timeoutMs, name, call, either);
    } catch (error) {
      if (closed.aborted) throw toClusterError(closed.reason, 'CLOSED', this.#source);
      throw toClusterError(error, 'IO', `${this.#source}: ${what}`);
    } finally {
      either[Symbol.dispose]();
    }
  }

  /** Follows the source for as long as somebody watches. */
  async #observe(): Promise<void> {
    const observing = new AbortController();
    const { signal } = observing;
    this.#observing = observing;
    const { clock, random, logger } = this.#context;
    const backoff = new Backoff(random, this.#options.backoff);
    const publish = (answer: LookupAnswer) => {
      if (signal.aborted) return;
      backoff.reset();
      this.#accept(answer);
    };
    while (!signal.aborted) {
      try {
        await this.subscribe(publish, { signal });
      } catch (error) {
        if (!signal.aborted) logger.warn(`${this.#source}: no answer, trying again: ${String(error)}`, error);
      }
      await sleep(clock, backoff.next(), { signal }).catch(() => undefined);
    }
    this.#observing = undefined;
    // Somebody may have begun to watch since the last one left.
    if (this.#watchers.readers > 0) void this.#observe();
  }

  /** Remembers a good answer and tells watchers if it differs. Returns what the source said, cleaned. */
  #accept(answer: LookupAnswer): readonly DiscoveredNode[] {
    const { clock, self } = this.#context;
    const told = isList(answer) ? { nodes: answer } : answer;
    const problems = [...(told.problems ?? [])];
    const onRefused = (reason: string) => problems.push(`an entry was left out: ${reason}`);
    const nodes = normalizeNodes(told.nodes, { self, onRefused });
    const previous = this.#lastGood;
    // Advisory: a source that forgot everybody is more likely to be broken than to be right.
    const isKept = nodes.length === 0 && previous !== undefined && previous.nodes.length > 0;
    this.#report(problems, isKept ? previous : undefined);
    if (isKept) return nodes;
    const revision = told.revision === undefined ? {} : { revision: told.revision };
    const rest = { complete: told.complete ?? true, source: this.#source, observedAt: clock.now() };
    this.#lastGood = { nodes, ...rest, ...revision };
    if (previous === undefined || !isSame(previous, this.#lastGood)) this.#watchers.publish(this.#lastGood);
    return nodes;
  }

  /** What is wrong with an answer, unless it was wrong with the one before. */
  #report(problems: readonly string[], kept: DiscoverySnapshot | undefined): void {
    const { clock, logger } = this.#context;
    const lines = new Map(problems.slice(0, MAX_REPORTED).map((problem) => [problem, problem]));
    const more = problems.length - MAX_REPORTED;
    if (more > 0) lines.set('more', `${more} more problems with this answer`);
    if (kept !== undefined) {
      const ageMs = Math.round(clock.now() - kept.observedAt);
      lines.set('nobody', `it answered with nobody; keeping ${kept.nodes.length} nodes, ${ageMs} ms old`);
    }
    for (const [what, line] of lines) if (!this.#reported.has(what)) logger.warn(`${this.#source}: ${line}`);
    this.#reported = new Set(lines.keys());
  }
}

function isList(answer: LookupAnswer): answer is readonly DiscoveredNode[] {
  return Array.isArray(answer);
}

/** Both are in the order of `normalizeNodes`. A new revision of the same nodes is no difference. */
function isSame(a: DiscoverySnapshot, b: DiscoverySnapshot): boolean {
  return a.complete === b.complete && JSON.stringify(a.nodes) === JSON.stringify(b.nodes);
}
