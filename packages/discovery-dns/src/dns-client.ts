import {
  type Address,
  type Clock,
  ClusterError,
  formatAddress,
  isClusterError,
  type Net,
  type Random,
  toClusterError,
  withDeadline,
} from '@quorate/core';

import { type DnsResponse, newQuery, type Question, RCODE, RCODE_NAMES } from './dns-message.ts';
import { exchangeOverTcp } from './tcp-exchange.ts';
import { exchangeDatagrams } from './udp-exchange.ts';

/** How often each resolver is asked before the question counts as unanswered. */
const ROUNDS = 3;

export interface DnsClientContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: Net;
}

/** Asks resolvers, one after the other, until one of them answers. */
export class DnsClient {
  readonly #context: DnsClientContext;
  readonly #attemptTimeoutMs: number;
  /**
   * How often each failed since it last answered. Those that fail less are asked first: a dead one costs its time once,
   * and however many are dead, the others have their turn before the time of a lookup is over.
   */
  readonly #failures = new Map<string, number>();
  /** Each holds a socket until it is done, which may be after its time is over. */
  readonly #exchanges = new Set<Promise<unknown>>();

  constructor(context: DnsClientContext, { attemptTimeoutMs }: { readonly attemptTimeoutMs: number }) {
    this.#context = context;
    this.#attemptTimeoutMs = attemptTimeoutMs;
  }

  /**
   * The first answer that settles the question: with records, or a denial.
   * @throws ClusterError `REMOTE` when they refuse or fail, `TIMEOUT`, `DISCONNECTED`, `PROTOCOL`, `IO`; what the signal
   * aborted with, `ABORTED` where that is no ClusterError
   */
  async ask(question: Question, resolvers: readonly Address[], signal: AbortSignal): Promise<DnsResponse> {
    const failures = new Map<string, ClusterError>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const resolver of this.#inOrder(resolvers)) {
        if (signal.aborted) throw unanswered(question, failures, signal);
        const name = formatAddress(resolver);
        try {
          const response = await this.#askOne(question, resolver, round < ROUNDS - 1, signal);
          this.#failures.delete(name);
          return response;
        } catch (error) {
          const isGivenUp = signal.aborted && !isClusterError(signal.reason, 'TIMEOUT');
          if (!isGivenUp) this.#failures.set(name, (this.#failures.get(name) ?? 0) + 1);
          if (!signal.aborted) failures.set(name, toClusterError(error, 'IO', name));
        }
      }
    }
    throw unanswered(question, failures, signal);
  }

  /** Resolves when no socket is left of the questions that were given up or answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#exchanges);
  }

  #inOrder(resolvers: readonly Address[]): readonly Address[] {
    const names = new Set(resolvers.map(formatAddress));
    // The system's may have changed.
    for (const name of this.#failures.keys()) if (!names.has(name)) this.#failures.delete(name);
    const failures = (resolver: Address) => this.#failures.get(formatAddress(resolver)) ?? 0;
    return [...resolvers].sort((a, b) => failures(a) - failures(b));
  }

  /** @param edns false in the end: there are networks that lose what they don't know */
  async #askOne(question: Question, resolver: Address, edns: boolean, signal: AbortSignal): Promise<DnsResponse> {
    const response = await this.#exchange(question, resolver, edns, signal);
    // Servers that don't know EDNS answer so. (RFC 6891, section 7)
    const isTooNew = [RCODE.formatError, RCODE.notImplemented, RCODE.badVersion].some(
      (code) => code === response.rcode,
    );
    return settles(resolver, edns && isTooNew ? await this.#exchange(question, resolver, false, signal) : response);
  }

  async #exchange(question: Question, resolver: Address, edns: boolean, signal: AbortSignal): Promise<DnsResponse> {
    const { clock, net, random } = this.#context;
    const within = <T>(call: (inner: AbortSignal) => Promise<T>): Promise<T> => {
      const counted = (inner: AbortSignal) => this.#counted(call(inner));
      return withDeadline(clock, this.#attemptTimeoutMs, formatAddress(resolver), counted, { signal });
    };
    const query = newQuery(question, random, { edns });
    const response = await within((inner) => exchangeDatagrams(this.#context, resolver, query, inner));
    if (response !== undefined) return response;
    const again = newQuery(question, random, { edns });
    return await within((inner) => exchangeOverTcp(net, resolver, again, inner));
  }

  #counted<T>(exchange: Promise<T>): Promise<T> {
    const done = exchange.then(
      () => void this.#exchanges.delete(done),
      () => void this.#exchanges.delete(done),
    );
    this.#exchanges.add(done);
    return exchange;
  }
}

function unanswered(
  { type, name }: Question,
  failures: ReadonlyMap<string, ClusterError>,
  signal: AbortSignal,
): ClusterError {
  const reason: unknown = signal.reason;
  const ended = signal.aborted ? toClusterError(reason, 'ABORTED', 'given up') : undefined;
  const causes = [...failures.values(), ...(ended === undefined ? [] : [ended])];
  const why = causes.map(({ message }) => message).join('; ');
  const last = causes.at(-1);
  return new ClusterError(last?.code ?? 'IO', `${type} of ${name}: no resolver answers: ${why}`, { cause: last });
}

/** @throws ClusterError `REMOTE` when the resolver cannot or will not say, so that another has to */
function settles(resolver: Address, response: DnsResponse): DnsResponse {
  const { rcode, answers, authorities, isAuthoritative } = response;
  if (rcode !== RCODE.noError && rcode !== RCODE.noSuchName) {
    throw new ClusterError('REMOTE', `${formatAddress(resolver)}: ${RCODE_NAMES[rcode] ?? `RCODE ${rcode}`}`);
  }
  // A referral to other servers: this one doesn't ask on our behalf. (RFC 2308, section 2.2.1)
  const refers = authorities.some(({ type }) => type === 'NS') && !authorities.some(({ type }) => type === 'SOA');
  if (rcode === RCODE.noError && answers.length === 0 && refers && !isAuthoritative) {
    throw new ClusterError('REMOTE', `${formatAddress(resolver)}: it knows nothing of this zone, and names who might`);
  }
  return response;
}
