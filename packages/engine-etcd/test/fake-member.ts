import { type Clock, ClusterError, type MonotonicMs, type System } from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';

import { Calls } from '../src/calls.ts';
import { type EngineSettings, readEngineOptions } from '../src/engine-options.ts';
import type { MemberConnection } from '../src/member-connection.ts';
import type { MemberSet } from '../src/member-set.ts';

export const UNAVAILABLE = 14;

/** What a member does with a call: what it answers with, or throws; a promise that stays open is a member that hangs. */
export type Behaviour = (call: string, request: unknown, signal: AbortSignal) => unknown;

/** A member of which only the behaviour is real, under the calls that are tested. */
export class FakeMember {
  readonly name: string;
  readonly calls: { readonly at: MonotonicMs; readonly call: string; readonly request: unknown }[] = [];
  behave: Behaviour = () => ({});
  readonly #system: System;

  constructor(system: System, name: string) {
    this.#system = system;
    this.name = name;
  }

  async call(call: string, request: unknown, { signal }: { readonly signal: AbortSignal }): Promise<unknown> {
    this.calls.push({ at: this.#system.clock.now(), call, request });
    return await this.behave(call, request, signal);
  }

  /** Streams of one question, as renewals are. */
  stream(
    call: string,
    events: { answer(answer: unknown): void; end(error: unknown): void },
    { signal }: { readonly signal: AbortSignal },
  ): Promise<{ send(request: unknown): void; close(): void }> {
    let isOpen = true;
    const send = (request: unknown) => {
      this.call(call, request, { signal }).then(
        (answer) => {
          if (isOpen) events.answer(answer);
        },
        (error: unknown) => {
          if (isOpen) events.end(error);
        },
      );
    };
    const close = () => {
      isOpen = false;
    };
    return Promise.resolve({ send, close });
  }
}

export interface FakeEtcd {
  readonly world: World;
  readonly system: System;
  readonly members: readonly FakeMember[];
  readonly calls: Calls;
  /** How each member failed, in order. */
  readonly failures: readonly string[];
}

/** Members, and calls to them, in a simulated world. */
export function fakeEtcd(count: number, details: Partial<EngineSettings> = {}): FakeEtcd {
  const world = createWorld({ seed: 'etcd' });
  const host = world.host('client');
  host.start(() => undefined);
  const system = { ...host.system, clock: fromZero(host.system.clock) };
  const members = Array.from({ length: count }, (_, at) => new FakeMember(system, `m${at}`));
  const failures: string[] = [];
  const endpoints = members.map((_, at) => `http://10.0.0.${at + 1}:2379`);
  const settings = { ...readEngineOptions({ endpoints }), ...details };
  const set = new FakeMembers(members, failures) as unknown as MemberSet;
  return { world, system, members, failures, calls: new Calls(system.clock, settings, set) };
}

function fromZero(clock: Clock): Clock {
  const origin = clock.now();
  return {
    now: () => clock.now() - origin,
    wallTime: () => clock.wallTime(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    defer: (callback) => clock.defer(callback),
  };
}

class FakeMembers {
  readonly size: number;
  readonly #members: readonly FakeMember[];
  readonly #failures: string[];
  #at = 0;

  constructor(members: readonly FakeMember[], failures: string[]) {
    this.#members = members;
    this.#failures = failures;
    this.size = members.length;
  }

  current(): Promise<MemberConnection> {
    const member = this.#members[this.#at];
    if (member === undefined) throw new ClusterError('IO', 'there is no member');
    return Promise.resolve(member as unknown as MemberConnection);
  }

  token(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  answered(): void {
    // Only real ones count.
  }

  refused(): boolean {
    return false;
  }

  failed(connection: { readonly name: string }, reason: string): Promise<void> {
    this.#failures.push(`${connection.name} ${reason}`);
    this.#at = (this.#at + 1) % this.size;
    return Promise.resolve();
  }
}

/** A gRPC failure as a member answers it. */
export function failure(code: number, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

export function never(): Promise<never> {
  return new Promise(() => undefined);
}
