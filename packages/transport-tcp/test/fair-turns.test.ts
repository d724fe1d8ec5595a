import type { Socket, TransportContext } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { FairTurns } from '../src/fair-turns.ts';
import { encodeFrame } from '../src/frame-codec.ts';
import { Traffic } from '../src/transport-instruments.ts';
import { Link } from '../src/link.ts';
import { realSystem } from './harness.ts';

describe('links that share an event loop', () => {
  it('have their share of frames handled in each turn, so that who sends little is not held up', () => {
    const loop = new Loop();
    const [loud, louder, quiet] = [loop.link(), loop.link(), loop.link()];
    loud.hear(messages(0, 10_000));
    louder.hear(messages(0, 10_000));
    for (let turn = 0; turn < 20; turn += 1) {
      quiet.hear(messages(20 * turn, 20));
      expect(quiet.heard).toHaveLength(20 * (turn + 1));
      loop.turn();
    }
    expect(loud.heard.length + louder.heard.length).toBeLessThan(22 * 130);
    expect(Math.abs(loud.heard.length - louder.heard.length)).toBeLessThan(130);
    expect([loud.isPaused, louder.isPaused, quiet.isPaused]).toEqual([true, true, false]);
  });

  it('are heard to the end, in order, and then again', () => {
    const loop = new Loop();
    const link = loop.link();
    const bytes = messages(0, 3000);
    // The second part was read before the socket took notice of the pause.
    link.hear(bytes.subarray(0, 20_001));
    link.hear(bytes.subarray(20_001));
    expect(link.isPaused).toBe(true);
    for (let turn = 0; link.isPaused && turn < 1000; turn += 1) loop.turn();
    expect(link.heard).toEqual(Array.from({ length: 3000 }, (_, number) => number));
    link.hear(messages(3000, 1));
    expect(link.heard).toHaveLength(3001);
  });

  it('are not heard any more once they are closed', () => {
    const loop = new Loop();
    const link = loop.link();
    link.hear(messages(0, 3000));
    const before = link.heard.length;
    link.close();
    for (let turn = 0; turn < 5; turn += 1) loop.turn();
    expect(link.heard).toHaveLength(before);
    expect(link.isPaused).toBe(false);
  });

  it('rest after each share while the peer leaves its answers unread, and never for good', () => {
    const loop = new Loop();
    const link = loop.link();
    link.unreadBytes = QUEUE_BYTES + 1;
    link.hear(messages(0, 10_000));
    for (let turn = 0; turn < 20; turn += 1) loop.turn();
    expect(link.heard).toHaveLength(128);
    loop.timersRun();
    for (let turn = 0; turn < 20; turn += 1) loop.turn();
    expect(link.heard).toHaveLength(256);
    link.unreadBytes = 0;
    link.drain();
    for (let turn = 0; link.isPaused && turn < 1000; turn += 1) loop.turn();
    expect(link.heard).toEqual(Array.from({ length: 10_000 }, (_, number) => number));
  });

  it('rest on when the peer has read a little', () => {
    const loop = new Loop();
    const link = loop.link();
    link.unreadBytes = 2 * QUEUE_BYTES;
    link.hear(messages(0, 10_000));
    link.unreadBytes = QUEUE_BYTES + 1;
    link.drain();
    for (let turn = 0; turn < 20; turn += 1) loop.turn();
    expect(link.heard).toHaveLength(128);
    expect(loop.timers).toBe(1);
    link.close();
    expect(loop.timers).toBe(0);
    for (let turn = 0; turn < 20; turn += 1) loop.turn();
    expect(link.heard).toHaveLength(128);
  });

  it('count what large frames cost, too', () => {
    const loop = new Loop();
    const link = loop.link();
    const large = encodeFrame({ type: 'MESSAGE', kind: 2000, payload: new Uint8Array(150 * 1024) });
    link.hear(Uint8Array.from([...large.head, ...large.payload]).subarray(0, 140 * 1024));
    expect(link.isPaused).toBe(true);
  });
});

const QUEUE_BYTES = 1024 * 1024;

/** An event loop that turns when it is told to, and whose timers run when they are told to. */
class Loop {
  readonly #turns: FairTurns;
  readonly #context: TransportContext;
  #deferred: (() => void)[] = [];
  readonly #timers = new Set<() => void>();

  constructor() {
    const clock = {
      ...realSystem.clock,
      now: () => 0,
      defer: (run: () => void) => void this.#deferred.push(run),
      setTimer: (_ms: number, run: () => void) => {
        this.#timers.add(run);
        return { cancel: () => void this.#timers.delete(run) };
      },
    };
    this.#turns = new FairTurns(clock);
    this.#context = { ...realSystem, clock, debug: new Set<string>() } as unknown as TransportContext;
  }

  get timers(): number {
    return this.#timers.size;
  }

  turn(): void {
    for (const run of this.#deferred.splice(0)) run();
  }

  timersRun(): void {
    for (const run of this.#timers) {
      this.#timers.delete(run);
      run();
    }
  }

  link(): Listening {
    return new Listening(this.#context, this.#turns);
  }
}

/** A link on a socket that does nothing, and the numbers that it was told. */
class Listening {
  readonly heard: number[] = [];
  isPaused = false;
  unreadBytes = 0;
  readonly #link: Link;

  constructor(context: TransportContext, turns: FairTurns) {
    const receiver = {
      frame: (frame: { readonly type: string; readonly payload?: Uint8Array }) => {
        if (frame.payload?.length === 4) this.heard.push(new DataView(frame.payload.slice().buffer).getUint32(0));
      },
      violated: (error: Error) => {
        throw error;
      },
      drained: () => undefined,
      lost: () => undefined,
    };
    const address = { host: '127.0.0.1', port: 1 };
    const unreadBytes = (): number => this.unreadBytes;
    const keeper = { closing: () => undefined, gone: () => undefined };
    this.#link = new Link(context, turns, address, receiver, keeper, new Traffic());
    const socket: Socket = {
      local: address,
      remote: address,
      get bufferedBytes() {
        return unreadBytes();
      },
      write: () => true,
      pause: () => void (this.isPaused = true),
      resume: () => void (this.isPaused = false),
      end: () => undefined,
      destroy: () => undefined,
    };
    this.#link.attach(socket);
    this.#link.establish('peer', { maxFrameBytes: 1024 * 1024, maxQueueBytes: QUEUE_BYTES });
  }

  hear(bytes: Uint8Array): void {
    this.#link.handler.data(bytes);
  }

  drain(): void {
    this.#link.handler.drain();
  }

  close(): void {
    this.#link.close({ type: 'GOODBYE', detail: {} });
    this.#link.destroy();
    this.#link.handler.close();
  }
}

function messages(from: number, count: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let number = from; number < from + count; number += 1) {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, number);
    parts.push(...Object.values(encodeFrame({ type: 'MESSAGE', kind: 2000, payload })));
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
