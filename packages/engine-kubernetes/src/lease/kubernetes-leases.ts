import { checkOptions, ClusterError, type OptionRules, rule, type System } from '@quorate/core';
import type { LeaseEngine, LeaseRequest, LeaseStore } from '@quorate/lease';

import type { KubernetesClient } from '../client.ts';
import { type KubernetesEngine, kubernetesEngine } from '../kubernetes-engine.ts';
import { isObjectName } from '../resource.ts';
import { formatHolder } from './holder-identity.ts';
import { KubernetesLeaseStore } from './kubernetes-lease-store.ts';
import { LeaseObject } from './lease-object.ts';
import { LeaseObservation } from './lease-observation.ts';
import { LeaseWriter } from './lease-writer.ts';

/** How leases are kept in Kubernetes. */
export interface KubernetesLeasesOptions {
  /**
   * Which Kubernetes, and as whom, as from `kubernetesEngine()`. Several parts of a cluster may share one.
   * @default kubernetesEngine(): as the pod it runs in, else as kubectl would
   */
  readonly engine?: KubernetesEngine;
  /**
   * The namespace of the Leases.
   * @default that of the credentials: in a pod, its own
   */
  readonly namespace?: string;
  /**
   * How often who waits looks whether the Lease is free, give or take a fifth; watches tell sooner unless they hang.
   * @default 2000, as client-go
   */
  readonly retryMs?: number;
  /**
   * How long one watch lasts. A connection that was lost in silence is noticed this long and `timeoutMs` later.
   * @default 15000
   */
  readonly watchMs?: number;
  /**
   * How long the API server may take to answer, or to begin a watch; calls have shorter deadlines of their user's too.
   * @default 5000
   */
  readonly timeoutMs?: number;
}

/** The rules for `KubernetesLeasesOptions`. */
export const kubernetesLeasesRules: OptionRules<KubernetesLeasesOptions> = {
  engine: rule.value('an engine, as from kubernetesEngine()', isEngine),
  namespace: rule.text('the name of a namespace', isObjectName),
  retryMs: rule.duration({ min: 10, max: 3_600_000 }),
  watchMs: rule.duration({ min: 1_000, max: 3_600_000 }),
  timeoutMs: rule.duration({ min: 1, max: 3_600_000 }),
};

/** How Leases are used: what isn't for users to choose. */
export interface LeaseUse {
  /**
   * Whether who finds no Lease under the name, and never saw one, waits as long as a lease lasts: somebody may have
   * deleted it while its holder goes on.
   */
  readonly waitsWhenAbsent: boolean;
}

/** Less would look like a release, or be lost among whole seconds. */
export const MIN_LEASE_MS = 2_000;
/** Leases that were seen. Beyond, those are forgotten that nobody follows and nobody can hold any more. */
const MAX_REMEMBERED = 1_000;

/**
 * Leases of `coordination.k8s.io/v1`, as client-go's leader election writes them. One exclusive holder each; no queue.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function kubernetesLeases(
  system: Pick<System, 'clock' | 'random'>,
  options: KubernetesLeasesOptions,
  use: LeaseUse,
): LeaseEngine {
  return new KubernetesLeases(system, checkOptions('kubernetesLeases', kubernetesLeasesRules, options), use);
}

class KubernetesLeases implements LeaseEngine {
  readonly supports = { fair: false, shared: false, semaphore: false };
  readonly #system: Pick<System, 'clock' | 'random'>;
  readonly #client: KubernetesClient;
  readonly #namespace: () => Promise<string>;
  readonly #retryMs: number;
  readonly #use: LeaseUse;
  readonly #seen = new Map<string, { readonly observation: LeaseObservation; users: number }>();

  constructor(
    system: Pick<System, 'clock' | 'random'>,
    { engine, namespace, retryMs, watchMs, timeoutMs }: KubernetesLeasesOptions,
    use: LeaseUse,
  ) {
    this.#system = system;
    const settings = { watchMs: watchMs ?? 15_000, timeoutMs: timeoutMs ?? 5_000 };
    this.#client = (engine ?? kubernetesEngine()).connect(system.clock, settings);
    this.#namespace = () => (namespace === undefined ? this.#client.namespace() : Promise.resolve(namespace));
    this.#retryMs = retryMs ?? 2_000;
    this.#use = use;
  }

  /** @throws ClusterError `UNSUPPORTED` for anything but an exclusive lease, `INVALID_OPTIONS` for a name of no object */
  open({ name, identity, ttlMs, share }: LeaseRequest): LeaseStore {
    if (share.kind !== 'exclusive') {
      throw new ClusterError('UNSUPPORTED', `kubernetes: a Lease has one holder: ${share.kind} isn't to be had`);
    }
    const { clock, random } = this.#system;
    if (!isObjectName(name)) {
      throw new ClusterError('INVALID_OPTIONS', `kubernetes: a Lease can't be called ${JSON.stringify(name)}`);
    }
    const wholeMs = Math.ceil(Math.max(ttlMs, MIN_LEASE_MS) / 1000) * 1000;
    const seen = this.#remember(name, wholeMs);
    const parts = { client: this.#client, clock, namespace: this.#namespace, observation: seen.observation };
    const lease = new LeaseObject(name, parts);
    const writer = new LeaseWriter(lease, { clock, identity: formatHolder(identity), ttlMs: wholeMs });
    let isOpen = true;
    const closed = (): void => {
      if (isOpen) seen.users -= 1;
      isOpen = false;
    };
    return new KubernetesLeaseStore({ clock, random, lease, writer, retryMs: this.#retryMs, closed });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  /** What was seen of a Lease is known to whoever asks for it next. */
  #remember(name: string, ttlMs: number): { readonly observation: LeaseObservation; users: number } {
    const known = this.#seen.get(name);
    if (known === undefined && this.#seen.size >= MAX_REMEMBERED) this.#forget();
    const observation = () => new LeaseObservation({ ttlMs, waitsWhenAbsent: this.#use.waitsWhenAbsent });
    const seen = known ?? { observation: observation(), users: 0 };
    seen.users += 1;
    this.#seen.set(name, seen);
    return seen;
  }

  #forget(): void {
    const now = this.#system.clock.now();
    for (const [name, { observation, users }] of this.#seen) {
      if (users === 0 && !observation.matters(now)) this.#seen.delete(name);
    }
  }
}

function isEngine(value: unknown): boolean {
  return typeof (value as Partial<KubernetesEngine> | undefined)?.connect === 'function';
}
