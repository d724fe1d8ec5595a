import {
  type CallOptions,
  type Charter,
  ClusterError,
  type Formation,
  type FormationContext,
  isCharter,
  linkSignals,
  type MonotonicMs,
  type NodeId,
  type Plugin,
  sleep,
  throwIfAborted,
  withDeadline,
} from '@quorate/core';
import { Acceptor } from './acceptor.ts';
import { type Answer, decodeQuestion, encode, type Question } from './messages.ts';
import { FORMATION } from './message-kind.ts';
import { type ClusterFormationOptions, type FormationSettings, readFormationOptions } from './options.ts';
import { Proposer } from './proposer.ts';
import { SOURCE_MS, Lookout, type Surroundings } from './surroundings.ts';

/**
 * Forms a cluster out of nodes that are started for the first time, or finds the one that there is. Where the discovery can
 * create something if it is absent, that decides; elsewhere all nodes that are seen have to agree.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function clusterFormation(options: ClusterFormationOptions): Plugin<Formation, 'formation'> {
  const settings = readFormationOptions(options);
  return {
    name: 'formation',
    kind: 'formation',
    requires: ['transport'],
    create: (context) => new ClusterFormation(context, settings),
  };
}

class ClusterFormation implements Formation {
  readonly #context: FormationContext;
  readonly #settings: FormationSettings;
  readonly #acceptor: Acceptor;
  readonly #lookout: Lookout;
  readonly #proposer: Proposer;
  readonly #closing = new AbortController();
  #subscription: Disposable | undefined;
  #charter: Charter | undefined;
  /** Who would form a cluster, in the eyes of this node, and since when these have been the same, all answering. */
  #nodes: readonly NodeId[];
  #since: MonotonicMs | undefined;
  /** Since when they have been the same, whoever else may be missing. */
  #sameSince: MonotonicMs = -Infinity;
  /** When the last look began: what it has shown may be as old as that. */
  #lookedAt: MonotonicMs = -Infinity;
  #missing = '';

  constructor(context: FormationContext, settings: FormationSettings) {
    const { storage, self, random, cluster, logger } = context;
    this.#context = context;
    this.#settings = settings;
    this.#charter = cluster.charter;
    this.#nodes = settings.mayForm ? [self.id] : [];
    const isDurable = storage?.supports.durable === true;
    if (!isDurable) logger.warn('without a durable storage, a node that restarts has forgotten its cluster');
    this.#acceptor = new Acceptor(isDurable ? storage.records : undefined);
    this.#lookout = new Lookout(context);
    this.#proposer = new Proposer({
      self: self.id,
      random,
      round: () => this.#acceptor.round,
      ask: (to, question) =>
        to === self.id ? this.#answer(question) : this.#lookout.ask(to, question, this.#closing.signal),
    });
  }

  get missing(): string {
    return this.#missing;
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#check('start', options);
    await this.#acceptor.open();
    this.#check('start', options);
    this.#subscription = this.#context.transport.onRequest(FORMATION, async (_, payload) =>
      encode(await this.#answer(decodeQuestion(payload))),
    );
  }

  async form(options: CallOptions = {}): Promise<Charter> {
    this.#check('form', options);
    const { signal } = options;
    const closing = this.#closing.signal;
    using either = linkSignals(signal, closing);
    if (this.#charter === undefined) this.#context.logger.info(`looking for the cluster: ${this.#way} forms it`);
    while (this.#charter === undefined) {
      await this.#try(either.signal);
      this.#check('form', options);
      if (this.#charter === undefined) await this.#pause(either.signal);
      this.#check('form', options);
    }
    this.#missing = '';
    return this.#charter;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new ClusterError('CLOSED', 'the formation was disposed'));
    this.#subscription?.[Symbol.dispose]();
    return Promise.resolve();
  }

  #check(what: string, { signal }: CallOptions): void {
    throwIfAborted(signal, what);
    if (this.#closing.signal.aborted) throw new ClusterError('CLOSED', `${what}: the formation was disposed`);
  }

  get #way(): string {
    return this.#context.discovery?.claim === undefined ? 'the agreement of all nodes' : 'what the discovery keeps';
  }

  async #try(signal: AbortSignal): Promise<void> {
    try {
      if (this.#context.discovery?.claim === undefined) await this.#byAgreement(signal);
      else await this.#byClaim(signal);
    } catch (error) {
      if (!signal.aborted) this.#lack(error instanceof Error ? error.message : String(error));
    }
  }

  /** Not all at one moment: who asks while others answer sees what they saw. */
  async #pause(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#context;
    const { lookEveryMs } = this.#settings;
    await sleep(clock, lookEveryMs * (0.75 + random.next() / 2), { signal }).catch(() => undefined);
  }

  /** The source decides: whatever nodes see of each other, it keeps one charter. */
  async #byClaim(signal: AbortSignal): Promise<void> {
    const { self, random, cluster } = this.#context;
    const { expectedNodes, marginMs, mayForm } = this.#settings;
    // Others first: a node that the source doesn't answer learns it from them.
    const seen = await this.#look(signal);
    if (seen.charter !== undefined) return this.#keep(seen.charter, 'another node');
    const told = await this.#claim(undefined, signal);
    if (told !== undefined) return this.#keep(told, 'the discovery');
    if (!mayForm) return this.#lack('this node does not form one, and nobody knows of any');
    if (seen.nodes.length < expectedNodes) return this.#lack(this.#countOf(seen));
    const before = seen.nodes.slice(0, seen.nodes.indexOf(self.id));
    // One that the source doesn't answer must not keep all others waiting.
    const isTurn = this.#lookedAt - this.#sameSince >= before.length * marginMs;
    if (!isTurn) return this.#lack(`${before.join(' or ')} is to form it`);
    if (cluster.id !== undefined) return this.#lack(`nobody knows the founders of cluster ${cluster.id}`);
    const clusterId = Array.from(random.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
    const claimed = await this.#claim({ clusterId, founders: seen.nodes.slice(0, expectedNodes) }, signal);
    if (claimed !== undefined) this.#keep(claimed, 'the discovery');
  }

  async #claim(charter: Charter | undefined, signal: AbortSignal): Promise<Charter | undefined> {
    const { discovery, clock } = this.#context;
    const value = charter === undefined ? undefined : new TextEncoder().encode(JSON.stringify(charter));
    const told = await withDeadline(
      clock,
      SOURCE_MS,
      'claim',
      async (inner) => await discovery?.claim?.(value, { signal: inner }),
      { signal },
    );
    if (told === undefined) return undefined;
    const known = parse(told);
    if (!isCharter(known)) throw new ClusterError('CORRUPT', 'what the discovery says was claimed is no charter');
    return { clusterId: known.clusterId, founders: known.founders };
  }

  async #byAgreement(signal: AbortSignal): Promise<void> {
    const { self, cluster } = this.#context;
    const { expectedNodes, marginMs, mayForm } = this.#settings;
    const seen = await this.#look(signal);
    if (seen.charter !== undefined) return this.#keep(seen.charter, 'another node');
    if (!mayForm) return this.#lack('this node does not form one, and nobody knows of any');
    if (seen.nodes.length < expectedNodes || seen.doubts.length > 0) return this.#lack(this.#countOf(seen));
    if (cluster.id !== undefined) return this.#lack(`nobody knows the founders of cluster ${cluster.id}`);
    const [first] = seen.nodes;
    if (first !== self.id) return this.#lack(`${first} is to form it`);
    if (!seen.isMutual) return this.#lack('not all nodes see the same ones');
    if (this.#since === undefined || this.#lookedAt - this.#since < marginMs) {
      return this.#lack(`${seen.nodes.join(', ')} have to be there for ${marginMs} ms`);
    }
    const attempt = await this.#proposer.attempt(seen.nodes, expectedNodes);
    if (attempt.type === 'formed') this.#keep(attempt.charter, 'agreement');
    else this.#lack(attempt.why);
  }

  async #look(signal: AbortSignal): Promise<Surroundings> {
    const { clock } = this.#context;
    const before = this.#nodes;
    this.#lookedAt = clock.now();
    const seen = await this.#lookout.look(this.#settings.mayForm, signal);
    const isSame = seen.nodes.join() === before.join() && seen.doubts.length === 0;
    if (seen.nodes.join() !== before.join()) this.#sameSince = clock.now();
    this.#nodes = seen.nodes;
    if (!isSame) this.#since = seen.doubts.length === 0 ? clock.now() : undefined;
    else this.#since ??= clock.now();
    return seen;
  }

  #countOf({ nodes, doubts }: Surroundings): string {
    const there = `${nodes.length} of ${this.#settings.expectedNodes} nodes are there: ${nodes.join(', ')}`;
    return doubts.length === 0 ? there : `${there}; ${doubts.slice(0, 5).join('; ')}`;
  }

  #lack(what: string): void {
    if (what !== this.#missing) this.#context.logger.info(`no cluster yet: ${what}`);
    this.#missing = what;
  }

  /** @param from whom it comes */
  #keep(charter: Charter, from: string): void {
    const { cluster, logger } = this.#context;
    if (this.#charter !== undefined) return;
    if (cluster.id !== undefined && cluster.id !== charter.clusterId) {
      return this.#lack(`${from} tells of cluster ${charter.clusterId}; this node belongs to ${cluster.id}`);
    }
    this.#charter = charter;
    logger.info(`cluster ${charter.clusterId}, founded by ${charter.founders.join(', ')}: told by ${from}`);
  }

  async #answer(question: Question): Promise<Answer> {
    if (this.#charter !== undefined) return { type: 'formed', charter: this.#charter };
    if (!this.#settings.mayForm) return { type: 'apart' };
    const { self, cluster } = this.#context;
    const { id } = self;
    switch (question.type) {
      case 'look':
        return { type: 'sight', sees: this.#nodes };
      case 'prepare':
        return question.nodes.includes(id) ? this.#acceptor.prepare(question.ballot) : { type: 'apart' };
      case 'accept':
        // It may know which cluster it belongs to, and not yet with whom that was formed.
        if (cluster.id !== undefined && cluster.id !== question.charter.clusterId) return { type: 'apart' };
        return question.nodes.includes(id) ? this.#acceptor.accept(question) : { type: 'apart' };
    }
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
