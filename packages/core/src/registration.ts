import { type ClusterNode, sameNode } from './cluster-node.ts';
import type { ClusterContext } from './context.ts';
import { sleep } from './deadline.ts';
import type { IClusterDiscovery } from './discovery.ts';
import { retry } from './retry.ts';

/** The least time between two tellings: a source is asked no more often, however often a node describes itself anew. */
const INTERVAL_MS = 1_000;

/** Keeps a discovery told of this node as it describes itself: one call at a time, so that the newest is what stays. */
export class Registration {
  readonly #context: Pick<ClusterContext, 'clock' | 'random' | 'transport'>;
  readonly #discovery: Pick<IClusterDiscovery, 'registerNode'>;
  readonly #closing: AbortSignal;
  readonly #onError: (error: unknown) => void;
  #told: ClusterNode | undefined;
  #telling = false;

  constructor(
    context: Pick<ClusterContext, 'clock' | 'random' | 'transport'>,
    discovery: Pick<IClusterDiscovery, 'registerNode'>,
    closing: AbortSignal,
    onError: (error: unknown) => void,
  ) {
    this.#context = context;
    this.#discovery = discovery;
    this.#closing = closing;
    this.#onError = onError;
  }

  /** Tells it, if it has not been told so already. Never throws; what fails is tried again. */
  renew(): void {
    if (!this.#telling) void this.#tell();
  }

  async #tell(): Promise<void> {
    const { clock, transport } = this.#context;
    const signal = this.#closing;
    this.#telling = true;
    while (!signal.aborted && (this.#told === undefined || !sameNode(this.#told, transport.self))) {
      await retry(this.#context, signal, (inner) => this.#register(inner), this.#onError);
      await sleep(clock, INTERVAL_MS, { signal }).catch(() => undefined);
    }
    this.#telling = false;
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { self } = this.#context.transport;
    await this.#discovery.registerNode(self, { signal });
    this.#told = self;
  }
}
