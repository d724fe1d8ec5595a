import { type CallOptions, ClusterError, settleWithin } from '@quorate/core';
import type { Host, World } from '@quorate/simulator';

import type { HttpAnswer, HttpExchange, HttpLine, HttpRequest } from '../../src/index.ts';
import type { SmallConsul } from './small-consul.ts';

const MAX_LATENCY_MS = 20;
const LOOK_MS = 10;

/**
 * The way from one run of a host to a Consul on another. A request that was sent arrives, be it long after who sent it has
 * given up, unless one of the directions is cut meanwhile.
 */
export class SimulatedExchange implements HttpExchange {
  readonly #world: World;
  readonly #host: Host;
  readonly #server: Host;
  readonly #consul: SmallConsul;
  readonly #boots: number;
  /** Names of hosts whose requests, or answers, are swallowed. */
  readonly #cut: { readonly out: ReadonlySet<string>; readonly in: ReadonlySet<string> };

  constructor(
    world: World,
    from: Host,
    to: { readonly host: Host; readonly consul: SmallConsul },
    cut: { readonly out: ReadonlySet<string>; readonly in: ReadonlySet<string> },
  ) {
    this.#world = world;
    this.#host = from;
    this.#boots = from.boots;
    this.#server = to.host;
    this.#consul = to.consul;
    this.#cut = cut;
  }

  send(request: HttpRequest, { signal }: CallOptions = {}): Promise<HttpAnswer> {
    return settleWithin<HttpAnswer>(signal, 'send', (resolve, reject) => {
      if (this.#world.chance(0.01)) reject(new ClusterError('DISCONNECTED', 'no way', { outcome: 'not-applied' }));
      else
        this.#travel(
          this.#server,
          () => !this.#cut.out.has(this.#host.name),
          () => this.#serve(request, resolve),
        );
      return () => undefined;
    });
  }

  openLine(): HttpLine {
    return { send: (request, options) => this.send(request, options), [Symbol.dispose]: () => undefined };
  }

  [Symbol.dispose](): void {
    // Nothing is held.
  }

  #serve(request: HttpRequest, resolve: (answer: HttpAnswer) => void): void {
    const asked = Number(/[?&]index=(\d+)/u.exec(request.path)?.[1] ?? 0);
    const waitMs = Number(/[?&]wait=(\d+)ms/u.exec(request.path)?.[1] ?? 0);
    const { clock } = this.#server.system;
    const until = clock.now() + waitMs;
    const look = (): void => {
      const answer = this.#consul.answer(request);
      const isNew = Number(answer.headers?.['x-consul-index']) !== asked;
      if (asked > 0 && !isNew && clock.now() < until) {
        clock.setTimer(LOOK_MS, look);
        return;
      }
      const whole = { status: 200, headers: {}, body: '', ...answer };
      this.#travel(
        this.#host,
        () => !this.#cut.in.has(this.#host.name),
        () => resolve(whole),
      );
    };
    look();
  }

  /** Who is there is told when its process runs; a process that is no more isn't. */
  #travel(to: Host, isOpen: () => boolean, arrive: () => void): void {
    const { boots } = to;
    this.#world.after(this.#world.random.next() * MAX_LATENCY_MS, () => {
      const isThere = to.running && to.boots === (to === this.#host ? this.#boots : boots);
      if (isOpen() && isThere) to.system.clock.setTimer(0, arrive);
    });
  }
}
