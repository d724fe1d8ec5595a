import { type CallOptions, type Clock, settleWithin } from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';

import {
  type ConsulClient,
  consulEngine,
  type ConsulEngineOptions,
  type HttpAnswer,
  type HttpExchange,
  type HttpLine,
  type HttpRequest,
} from '../src/index.ts';

type Script = (request: HttpRequest, number: number) => Partial<HttpAnswer> | Promise<Partial<HttpAnswer>>;

/** Answers requests as a test says, in simulated time. */
export class ScriptedExchange implements HttpExchange {
  readonly requests: HttpRequest[] = [];
  /** When each was sent. */
  readonly times: number[] = [];
  disposed = 0;
  readonly #clock: Clock;
  readonly #script: Script;

  constructor(clock: Clock, script: Script) {
    this.#clock = clock;
    this.#script = script;
  }

  send(request: HttpRequest, options: CallOptions = {}): Promise<HttpAnswer> {
    this.requests.push(request);
    this.times.push(this.#clock.now());
    return settleWithin(options.signal, 'send', (resolve, reject) => {
      const answer = async () => await this.#script(request, this.requests.length);
      answer().then((given) => resolve({ status: 200, headers: {}, body: '', ...given }), reject);
      return () => undefined;
    });
  }

  /** A test says by failing that the connection is another. */
  openLine(): HttpLine {
    return { send: (request, options) => this.send(request, options), [Symbol.dispose]: () => undefined };
  }

  [Symbol.dispose](): void {
    this.disposed += 1;
  }
}

export interface Scene {
  readonly world: World;
  readonly clock: Clock;
  readonly exchange: ScriptedExchange;
  readonly client: ConsulClient;
}

export function openScene(script: Script, options: ConsulEngineOptions = {}): Scene {
  const world = createWorld({ seed: 'consul' });
  const host = world.host('me');
  host.start(() => undefined);
  const { clock } = host.system;
  const exchange = new ScriptedExchange(clock, script);
  return { world, clock, exchange, client: consulEngine({ ...options, exchange: () => exchange }).open({ clock }) };
}

/** An answer that never comes. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}
