import {
  Backoff,
  isClusterError,
  type Logger,
  type Random,
  sleep,
  throwIfAborted,
  toClusterError,
} from '@quorate/core';
import { BlockingQuery, type ConsulClient } from '@quorate/engine-consul';

import { isListed, type ServiceDefinition } from './service-instance.ts';

export interface RegistrationParts {
  readonly client: ConsulClient;
  readonly random: Random;
  readonly logger: Logger;
  /** For messages. */
  readonly source: string;
  readonly ttlMs: number;
  readonly deregisterAfterMs: number;
  readonly timeoutMs: number;
}

/** Signs of life in one TTL: two may be lost. */
const SIGNS = 3;

/** An instance that is registered with the agent, and its check kept passing, until it is ended. */
export class KeptRegistration {
  readonly #parts: RegistrationParts;
  readonly #definition: ServiceDefinition;
  #ended = new AbortController();
  /** Of the client's token when the agent was last told everything. */
  #generation: number | undefined;
  #keeping: Promise<void> | undefined;

  constructor(parts: RegistrationParts, definition: ServiceDefinition) {
    this.#parts = parts;
    this.#definition = definition;
  }

  /** Tells the agent, and keeps it told from here on. */
  async begin(signal: AbortSignal): Promise<void> {
    await this.#register(signal);
    this.keep();
  }

  /** Keeps the agent told; after `end` too. */
  keep(): void {
    if (this.#keeping !== undefined) return;
    this.#ended = new AbortController();
    this.#keeping = this.#run(this.#ended.signal);
  }

  /** Resolves when no sign of life will be sent any more. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#keeping;
    this.#keeping = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { client, random, logger, source, ttlMs } = this.#parts;
    const periodMs = ttlMs / SIGNS;
    const backoff = new Backoff(random, { baseMs: Math.min(250, periodMs), maxMs: periodMs });
    /** Why the last one did not get through. */
    let failing: string | undefined;
    while (!signal.aborted) {
      const pauseMs = failing === undefined ? periodMs * (0.9 + 0.1 * random.next()) : backoff.next();
      await sleep(client.clock, pauseMs, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#renew(signal);
        if (failing !== undefined) logger.info(`${source}: ${this.#definition.ID} is kept registered again`);
        failing = undefined;
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        const { code, message } = toClusterError(error, 'IO', source);
        // Once for each reason, not three times a TTL for as long as Consul is away.
        if (code !== failing)
          logger.warn(`${source}: keeping ${this.#definition.ID} registered fails: ${message}`, error);
        failing = code;
      }
    }
  }

  /**
   * Ends it in such a way that the agent writes with the valid token what becomes of the instance: it writes to the catalog
   * with the one that it was told the instance with, be it to say that a check fails or that the instance is gone.
   */
  async conclude(signal: AbortSignal): Promise<void> {
    await this.end();
    throwIfAborted(signal, this.#parts.source);
    if ((await this.#sign(signal)) === 'another token') await this.#register(signal);
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { source, logger } = this.#parts;
    const state = await this.#sign(signal);
    if (state === 'told') return;
    await this.#register(signal);
    const why = state === 'forgotten' ? 'the agent had forgotten it' : 'the token is another one';
    logger.info(`${source}: ${this.#definition.ID} is registered again: ${why}`);
  }

  /** Sends a sign of life. */
  async #sign(signal: AbortSignal): Promise<'told' | 'forgotten' | 'another token'> {
    const { client, timeoutMs } = this.#parts;
    try {
      await client.put(['agent', 'check', 'pass', checkId(this.#definition.ID)], undefined, { signal, timeoutMs });
    } catch (error) {
      if (isClusterError(error, 'NOT_FOUND')) return 'forgotten';
      throw error;
    }
    return client.tokenGeneration === this.#generation ? 'told' : 'another token';
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { client, ttlMs, deregisterAfterMs, timeoutMs } = this.#parts;
    const Check = {
      CheckID: checkId(this.#definition.ID),
      Name: 'sign of life',
      TTL: `${Math.ceil(ttlMs)}ms`,
      Status: 'passing',
      DeregisterCriticalServiceAfter: `${Math.ceil(deregisterAfterMs)}ms`,
    };
    await client.put(['agent', 'service', 'register'], { ...this.#definition, Check }, { signal, timeoutMs });
    this.#generation = client.tokenGeneration;
  }
}

/** Deregisters; fine for an instance that the agent doesn't know. */
export async function deregister(
  { client, timeoutMs }: Pick<RegistrationParts, 'client' | 'timeoutMs'>,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.put(['agent', 'service', 'deregister', id], undefined, { signal, timeoutMs });
  } catch (error) {
    if (!isClusterError(error, 'NOT_FOUND')) throw error;
  }
}

/** Resolves when the catalog, to which agents write later, says what the agent was told. */
export async function untilListed(
  { client, timeoutMs }: Pick<RegistrationParts, 'client' | 'timeoutMs'>,
  instance: { readonly service: string; readonly id: string; readonly definition: ServiceDefinition | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { service, id, definition } = instance;
  // Of many that register at one time none is to read all the others.
  const query = { filter: `Service.ID == "${id}"` };
  using catalog = new BlockingQuery(client, ['health', 'service', service], { query, waitMs: timeoutMs, timeoutMs });
  for (;;) {
    const { body } = await catalog.next({ signal });
    if (isListed(body, id, definition)) return;
  }
}

function checkId(id: string): string {
  return `service:${id}`;
}
