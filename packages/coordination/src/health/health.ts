import { type ClusterStatus, invalidOption, sleep, withDeadline } from '@quorate/core';
import { errorText } from '../error-text.ts';
import {
  type HttpAnswer,
  isFor,
  type NodeRequest,
  type NodeResponse,
  type Warn,
  warnerOf,
  webAnswer,
  writeAnswer,
} from '../http/node-http.ts';
import { clusterChecks, type HealthCluster } from './cluster-checks.ts';
import { EventLoopDelay } from './event-loop-delay.ts';
import { type HealthCheck, type HealthOptions, type HealthSettings, readHealthOptions } from './health-options.ts';
import { Threshold } from './threshold.ts';

/** How a check stands. */
export interface CheckReport {
  /** By the thresholds. */
  readonly ok: boolean;
  /** What was wrong when it was looked at last, be it within the thresholds. */
  readonly problem: string | undefined;
}

/** How a node is, as its probes answer. */
export interface HealthReport {
  /** Whether the process is of use at all: otherwise it is to be restarted. */
  readonly live: boolean;
  /** Whether it can do its work now: otherwise nothing is to be sent to it. */
  readonly ready: boolean;
  readonly status: ClusterStatus;
  /** `leader`, `quorum`, `replication`, `disk`, `eventLoop` as far as the cluster has the parts, and your own. */
  readonly checks: Readonly<Record<string, CheckReport>>;
}

/** What is known of a node's health. Asking costs nothing: all is looked at in the background. */
export interface Health extends Disposable {
  readonly live: boolean;
  readonly ready: boolean;
  report(): HealthReport;
  /** Looks at everything now: to be awaited before the first report, for one. */
  look(): Promise<void>;
  /**
   * Answers `/livez` and `/readyz` with 200 or 503 and the report as JSON, for `node:http` and Express, mounted anywhere.
   * Other paths are for `next`, or get 404.
   */
  readonly nodeHandler: (request: NodeRequest, response: NodeResponse, next?: () => void) => void;
  /** The same for Hono and others of the web's kind; undefined for other paths. */
  readonly webHandler: (request: Request) => Response | undefined;
}

interface WatchedCheck {
  readonly check: HealthCheck;
  readonly threshold: Threshold;
  problem: string | undefined;
}

/** The longest time between two looks at the event loop. */
const LOOP_SAMPLE_MS = 100;

/**
 * Looks after a cluster that was started, until it is disposed of.
 * @throws ClusterError `INVALID_OPTIONS`; `CLOSED` for a cluster that was not started
 */
export function healthOf(cluster: HealthCluster, options: HealthOptions = {}): Health {
  return new ClusterHealth(cluster, readHealthOptions(options));
}

class ClusterHealth implements Health {
  readonly #cluster: HealthCluster;
  readonly #settings: HealthSettings;
  readonly #delay: EventLoopDelay;
  readonly #checks = new Map<string, WatchedCheck>();
  readonly #closing = new AbortController();
  readonly #warn: Warn;
  #looking: Promise<void> | undefined;

  constructor(cluster: HealthCluster, settings: HealthSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#warn = warnerOf(() => cluster.system, 'healthOf');
    const { everyMs, failures, successes } = settings;
    this.#delay = new EventLoopDelay(cluster.system.clock, Math.min(LOOP_SAMPLE_MS, everyMs));
    const own = clusterChecks(cluster, settings, this.#delay);
    for (const [name, check] of [...own, ...Object.entries(settings.checks)]) {
      // Nothing is well before it was seen to be; but who has just begun is live.
      const threshold = new Threshold(settings.live.includes(name), failures, successes);
      this.#checks.set(name, { check, threshold, problem: 'not looked at yet' });
    }
    const unknown = settings.live.find((name) => !this.#checks.has(name));
    if (unknown !== undefined) {
      this.#delay[Symbol.dispose]();
      throw invalidOption('healthOf', 'live', `of ${[...this.#checks.keys()].join(', ')}`, unknown);
    }
    void this.#watch();
  }

  get live(): boolean {
    if (this.#cluster.status === 'stopped') return false;
    return this.#settings.live.every((name) => this.#checks.get(name)?.threshold.isOk);
  }

  get ready(): boolean {
    if (this.#cluster.status !== 'running' || this.#closing.signal.aborted) return false;
    return [...this.#checks.values()].every(({ threshold }) => threshold.isOk);
  }

  report(): HealthReport {
    const checks = [...this.#checks].map(([name, { threshold, problem }]) => [name, { ok: threshold.isOk, problem }]);
    const { status } = this.#cluster;
    return { live: this.live, ready: this.ready, status, checks: Object.fromEntries(checks) as HealthReport['checks'] };
  }

  async look(): Promise<void> {
    this.#looking ??= this.#lookAtAll().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  readonly nodeHandler = (request: NodeRequest, response: NodeResponse, next?: () => void): void => {
    const answer = this.#answer(request);
    if (answer !== undefined) writeAnswer(response, answer, this.#warn);
    else if (next === undefined) writeAnswer(response, { status: 404, headers: {}, body: 'not found\n' }, this.#warn);
    else next();
  };

  readonly webHandler = (request: Request): Response | undefined => {
    const answer = this.#answer({ url: request.url });
    return answer === undefined ? undefined : webAnswer(answer, this.#warn);
  };

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#delay[Symbol.dispose]();
  }

  async #watch(): Promise<void> {
    const { clock } = this.#cluster.system;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.look();
      await sleep(clock, this.#settings.everyMs, { signal }).catch(() => undefined);
    }
  }

  async #lookAtAll(): Promise<void> {
    await Promise.all([...this.#checks].map(async ([name, watched]) => await this.#lookAt(name, watched)));
  }

  async #lookAt(name: string, watched: WatchedCheck): Promise<void> {
    const { clock } = this.#cluster.system;
    const call = async (signal: AbortSignal): Promise<unknown> => await watched.check({ signal });
    // The disk has its own, within this.
    const timeoutMs = this.#settings.timeoutMs + 1;
    watched.problem = await withDeadline(clock, timeoutMs, name, call).then(
      () => undefined,
      (error: unknown) => errorText(error),
    );
    watched.threshold.add(watched.problem === undefined);
  }

  #answer(request: Pick<NodeRequest, 'url' | 'originalUrl'>): HttpAnswer | undefined {
    const path = (['/livez', '/readyz'] as const).find((each) => isFor(request, each));
    if (path === undefined) return undefined;
    const isOk = path === '/livez' ? this.live : this.ready;
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    return { status: isOk ? 200 : 503, headers, body: `${JSON.stringify(this.report())}\n` };
  }
}
