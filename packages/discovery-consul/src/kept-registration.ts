import { Backoff, type Logger, type Random, isClusterError, sleep } from '@quorate/core';
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
    let failures = 0;
    while (!signal.aborted) {
      const pauseMs = failures === 0 ? periodMs * (0.9 + 0.1 * random.next()) : backoff.next();
      await sleep(client.clock, pauseMs, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.renew(signal);
        if (failures > 0) logger.info(`${source}: ${this.#definition.ID} is kept registered again`);
        failures = 0;
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        // Once, not three times a TTL for as long as Consul is away.
        failures += 1;
        if (failures === 1)
          logger.warn(`${source}: keeping ${this.#definition.ID} registered fails: ${String(error)}`, error);
      }
    }
  }

  /**
   * Sends a sign of life, and tells the agent everything where that is needed: where it has forgotten the instance, and where
   * the token is another one. The agent writes to the catalog with the token that it was told an instance with, be it to
   * say that its check fails or that it is gone.
   */
  async renew(signal: AbortSignal): Promise<void> {
    const { client, timeoutMs, source, logger } = this.#parts;
    try {
      await client.put(['agent', 'check', 'pass', checkId(this.#definition.ID)], undefined, { signal, timeoutMs });
      if (client.tokenGeneration === this.#generation) return;
      logger.info(`${source}: the token is another: registering ${this.#definition.ID} again`);
    } catch (error) {
      if (!isClusterError(error, 'NOT_FOUND')) throw error;
      logger.info(`${source}: the agent has forgotten ${this.#definition.ID}: registering it again`);
    }
    await this.#register(signal);
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
  const catalog = new BlockingQuery(client, ['health', 'service', service], { query, waitMs: timeoutMs, timeoutMs });
  for (;;) {
    const { body } = await catalog.next({ signal });
    if (isListed(body, id, definition)) return;
  }
}

function checkId(id: string): string {
  return `service:${id}`;
}
