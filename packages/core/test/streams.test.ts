import { describe, expect, it } from 'vitest';
import {
  Broadcast,
  createChannel,
  Emitter,
  isLogger,
  leveledLogger,
  type Logger,
  parseDebugScopes,
  silentLogger,
} from '../src/index.ts';
import { settle } from './manual-clock.ts';

async function take<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const value of source) if (taken.push(value) === count) break;
  return taken;
}

describe('Channel', () => {
  it('keeps order, across waiting and queued reads', async () => {
    const channel = createChannel<number>({ capacity: 10 });
    const reading = take(channel, 3);
    for (const value of [1, 2, 3]) channel.push(value);
    expect(await reading).toEqual([1, 2, 3]);
  });

  it('drops the oldest when it is full, and counts them', async () => {
    const channel = createChannel<number>({ capacity: 2 });
    for (const value of [1, 2, 3, 4]) channel.push(value);
    channel.close();
    expect([await take(channel, 9), channel.dropped]).toEqual([[3, 4], 2]);
  });

  it('gives what is queued before its end, and its error once', async () => {
    const channel = createChannel<number>({ capacity: 2 });
    const iterator = channel[Symbol.asyncIterator]();
    channel.push(1);
    channel.close(new Error('broken'));
    channel.push(2);
    expect(await iterator.next()).toEqual({ done: false, value: 1 });
    await expect(iterator.next()).rejects.toThrow('broken');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('closes once, by its reader, its writer or its signal', async () => {
    for (const by of ['reader', 'writer', 'signal']) {
      let closed = 0;
      const controller = new AbortController();
      const { signal } = controller;
      const channel = createChannel<number>({ capacity: 1, signal, onClose: () => (closed += 1) });
      const iterator = channel[Symbol.asyncIterator]();
      const waiting = iterator.next();
      if (by === 'reader') await iterator.return?.();
      if (by === 'writer') channel.close();
      controller.abort();
      expect([by, await waiting, closed]).toEqual([by, { done: true, value: undefined }, 1]);
    }
  });
});

describe('Broadcast', () => {
  it('gives each reader its own bounded queue, from its call on', async () => {
    const broadcast = new Broadcast<number>(2);
    const early = broadcast.watch({}, [0]);
    broadcast.publish(1);
    const late = broadcast.watch();
    broadcast.publish(2);
    broadcast.publish(3);
    broadcast[Symbol.dispose]();
    expect([await take(early, 9), await take(late, 9)]).toEqual([
      [2, 3],
      [2, 3],
    ]);
  });

  it('tells when the last reader has gone', async () => {
    let idle = 0;
    const broadcast = new Broadcast<number>(1, { onIdle: () => (idle += 1) });
    const controller = new AbortController();
    const reading = take(broadcast.watch(), 1);
    broadcast.watch({ signal: controller.signal });
    expect(broadcast.readers).toBe(2);
    controller.abort();
    expect([broadcast.readers, idle]).toEqual([1, 0]);
    broadcast.publish(1);
    await reading;
    expect([broadcast.readers, idle]).toEqual([0, 1]);
  });

  it('ends at once for a reader that comes too late or has aborted', async () => {
    const broadcast = new Broadcast<number>(1);
    expect(await take(broadcast.watch({ signal: AbortSignal.abort() }), 1)).toEqual([]);
    broadcast[Symbol.dispose]();
    expect(await take(broadcast.watch(), 1)).toEqual([]);
  });
});

describe('Emitter', () => {
  it('calls in order, once for each time a listener was added', () => {
    const emitter = new Emitter<{ tick: number }>(() => undefined);
    const heard: string[] = [];
    const same = (value: number) => heard.push(`same ${value}`);
    emitter.on('tick', same);
    const second = emitter.on('tick', same);
    emitter.on('tick', (value) => heard.push(`other ${value}`));
    emitter.emit('tick', 1);
    second[Symbol.dispose]();
    emitter.emit('tick', 2);
    expect(heard).toEqual(['same 1', 'same 1', 'other 1', 'same 2', 'other 2']);
  });

  it('does not call a listener that an earlier one removed, nor one that it added', () => {
    const emitter = new Emitter<{ tick: number }>(() => undefined);
    const heard: string[] = [];
    emitter.on('tick', () => {
      removed[Symbol.dispose]();
      emitter.on('tick', () => heard.push('added'));
    });
    const removed = emitter.on('tick', () => heard.push('removed'));
    emitter.emit('tick', 1);
    expect(heard).toEqual([]);
  });

  it('reports what a listener throws, and goes on', async () => {
    const reported: unknown[] = [];
    const emitter = new Emitter<{ tick: number }>((error, event) => reported.push([String(error), event]));
    const heard: number[] = [];
    emitter.on('tick', () => {
      throw new Error('mine');
    });
    emitter.on('tick', (value) => heard.push(value));
    emitter.emit('tick', 1);
    await settle();
    expect([reported, heard]).toEqual([[['Error: mine', 'tick']], [1]]);
  });
});

describe('loggers', () => {
  it('pass on messages of their level and above, with a prefix and the details', () => {
    const lines: unknown[] = [];
    const at =
      (level: string) =>
      (message: string, ...details: unknown[]) =>
        void lines.push([level, message, ...details]);
    const sink: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    const logger = leveledLogger(sink, 'warn', 'a: ');
    logger.debug('1');
    logger.info('2');
    logger.warn('3', { why: 1 });
    logger.error('4');
    leveledLogger(sink, 'silent').error('5');
    expect(lines).toEqual([
      ['warn', 'a: 3', { why: 1 }],
      ['error', 'a: 4'],
    ]);
  });

  it('pass on one line of what can be seen, whoever chose the message', () => {
    const lines: string[] = [];
    const logger = leveledLogger({ ...silentLogger, warn: (message) => void lines.push(message) }, 'warn', 'a: ');
    logger.warn('refused "x\n2026 error: all is lost\u001b[2J\u202e\u2028"');
    logger.warn('é'.repeat(10_000));
    expect(lines[0]).toBe(String.raw`a: refused "x\u{a}2026 error: all is lost\u{1b}[2J\u{202e}\u{2028}"`);
    expect(lines[1]).toHaveLength(8193);
  });

  it('lose what the one behind them throws for, or rejects', async () => {
    const lines: string[] = [];
    const full = (): never => {
      throw new Error('the disk is full');
    };
    const late = (): unknown => Promise.reject(new Error('nobody takes it'));
    const sink: Logger = { debug: full, info: late, warn: full, error: (line) => void lines.push(line) };
    const logger = leveledLogger(sink, 'debug');
    expect(() => logger.debug('1')).not.toThrow();
    logger.info('2');
    logger.error('3');
    await new Promise((resolve) => void setTimeout(resolve, 0));
    expect(lines).toEqual(['3']);
  });

  it('are told from other things', () => {
    expect(isLogger(console)).toBe(true);
    for (const other of [undefined, {}, { info: () => undefined }, 'console']) expect(isLogger(other)).toBe(false);
  });

  it('take scopes from a text', () => {
    expect([...parseDebugScopes(' wire, election,,')]).toEqual(['wire', 'election']);
    expect([...parseDebugScopes(undefined)]).toEqual([]);
  });
});
