import {
  BaseClusterDiscovery,
  type CallOptions,
  type ClusterContext,
  ClusterError,
  type DiscoveredNode,
  type DiscoverySupport,
  type IClusterDiscovery,
  type LookupAnswer,
  type LookupOptions,
  type Plugin,
  sleep,
} from '@quorate/core';

/** What a source tells one node at one moment, however true that is. */
export interface Telling {
  readonly nodes: readonly DiscoveredNode[];
  /** It answers so much later, with what it knew when it was asked. */
  readonly delayMs: number;
  readonly fails: boolean;
}

/** How one claim fares: the ways there and back, and on which of them it is lost, if it is. */
export interface ClaimFate {
  readonly thereMs: number;
  readonly backMs: number;
  readonly lost: 'there' | 'back' | undefined;
}

/** A source of a simulated world. */
export interface ToldSource {
  tell(asker: string): Telling;
  /** Of a source that can create if absent. */
  readonly claims?: { value: Uint8Array | undefined; fate(): ClaimFate };
}

const POLLING = { intervalMs: 50, timeoutMs: 5_000, backoff: { baseMs: 20, maxMs: 200 } };

/** A discovery that is told what a scenario wants it to be told. */
export function toldDiscovery(source: ToldSource): Plugin<IClusterDiscovery, 'discovery'> {
  const Kind = source.claims === undefined ? ToldDiscovery : ClaimingDiscovery;
  return { name: 'discovery-told', kind: 'discovery', requires: [], create: (context) => new Kind(context, source) };
}

class ToldDiscovery extends BaseClusterDiscovery {
  protected readonly context: ClusterContext;
  protected readonly source: ToldSource;

  constructor(context: ClusterContext, source: ToldSource) {
    super(context, 'discovery-told', POLLING);
    this.context = context;
    this.source = source;
  }

  protected async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    const { nodes, delayMs, fails } = this.source.tell(this.context.self.id);
    await sleep(this.context.clock, delayMs, { signal });
    if (fails) throw new ClusterError('IO', 'the source fails');
    return nodes;
  }
}

class ClaimingDiscovery extends ToldDiscovery {
  override readonly supports: DiscoverySupport = { registration: false, watch: 'poll', createIfAbsent: true };

  async claim(value: Uint8Array | undefined, { signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    const { claims } = this.source;
    if (claims === undefined) throw new ClusterError('UNSUPPORTED', 'nothing can be claimed');
    const { thereMs, backMs, lost } = claims.fate();
    // Whoever asked may have given up: what is under way arrives all the same.
    await sleep(this.context.clock, thereMs);
    if (lost === 'there') throw new ClusterError('IO', 'the claim was lost');
    claims.value ??= value;
    const told = claims.value;
    await sleep(this.context.clock, backMs, signal === undefined ? {} : { signal });
    if (lost === 'back') throw new ClusterError('IO', 'the answer was lost');
    return told;
  }
}
