import { ClusterError, isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { bytes, connectedPair, isConnected, text, until } from './harness.ts';

const KIND = 1024;

describe('streams', () => {
  it('carry chunks in order and are acknowledged', async () => {
    await using pair = await connectedPair();
    const got: string[] = [];
    pair.b.transport.onStream(KIND, async (from, chunks) => {
      for await (const chunk of chunks) got.push(`${from}:${text(chunk)}`);
      got.push('end');
    });
    await using stream = await pair.a.transport.openStream('b', KIND);
    for (const each of ['1', '2', '3']) await stream.write(bytes(each));
    await stream.end();
    expect(got).toEqual(['a:1', 'a:2', 'a:3', 'end']);
  });

  it('hold the sender back while the receiver is busy', async () => {
    await using pair = await connectedPair({ streamWindowBytes: 64 * 1024 });
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let received = 0;
    pair.b.transport.onStream(KIND, async (_, chunks) => {
      await gate;
      for await (const chunk of chunks) received += chunk.length;
    });
    const stream = await pair.a.transport.openStream('b', KIND);
    const total = 50;
    let written = 0;
    const writing = (async () => {
      for (; written < total; written += 1) await stream.write(new Uint8Array(10_000));
      await stream.end();
    })();
    await pair.a.transport.request('b', KIND, bytes('')).catch(() => undefined);
    await pair.a.transport.request('b', KIND, bytes('')).catch(() => undefined);
    expect(written).toBe(6);
    release();
    await writing;
    expect(received).toBe(total * 10_000);
  });

  it('take chunks larger than a frame, and whole', async () => {
    await using pair = await connectedPair({ maxFrameBytes: 64 * 1024, streamWindowBytes: 32 * 1024 });
    const parts: Uint8Array[] = [];
    pair.b.transport.onStream(KIND, async (_, chunks) => {
      for await (const chunk of chunks) parts.push(chunk);
    });
    const stream = await pair.a.transport.openStream('b', KIND);
    const big = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
    await stream.write(big);
    await stream.end();
    expect(Buffer.concat(parts).equals(big)).toBe(true);
  });

  it('tell the sender how the handler failed', async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;
    b.transport.onStream(KIND, async (_, chunks) => {
      for await (const chunk of chunks) throw new ClusterError('CORRUPT', text(chunk));
    });
    const stream = await a.transport.openStream('b', KIND);
    await stream.write(bytes('bad'));
    expect(await codeOf(stream.end())).toBe('CORRUPT');
    expect(await codeOf(stream.write(bytes('x')))).toBe('CORRUPT');
    expect(await codeOf(a.transport.openStream('b', KIND + 1))).toBe('UNSUPPORTED');
  });

  it('tell the handler when the sender gives up or is gone', async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;
    const codes: string[] = [];
    let begun = 0;
    b.transport.onStream(KIND, async (_, chunks) => {
      begun += 1;
      try {
        for await (const chunk of chunks) void chunk;
      } catch (error) {
        codes.push(isClusterError(error) ? error.code : 'other');
      }
    });
    await (await a.transport.openStream('b', KIND))[Symbol.asyncDispose]();
    await until(() => codes.length === 1);
    await a.transport.openStream('b', KIND);
    await until(() => begun === 2);
    await a[Symbol.asyncDispose]();
    await until(() => codes.length === 2);
    expect(codes).toEqual(['ABORTED', 'DISCONNECTED']);
  });

  it('fail when the connection does', async () => {
    await using pair = await connectedPair();
    pair.b.transport.onStream(KIND, () => new Promise(() => undefined));
    const stream = await pair.a.transport.openStream('b', KIND);
    const ending = codeOf(stream.end());
    await pair.b[Symbol.asyncDispose]();
    expect(await ending).toBe('DISCONNECTED');
  });

  it('are bounded in number, and freed', async () => {
    await using pair = await connectedPair({ maxStreams: 2 });
    const { a, b } = pair;
    b.transport.onStream(KIND, async (_, chunks) => {
      for await (const chunk of chunks) void chunk;
    });
    const streams = [await a.transport.openStream('b', KIND), await a.transport.openStream('b', KIND)];
    expect(await codeOf(a.transport.openStream('b', KIND))).toBe('OVERLOADED');
    for (const stream of streams) await stream.end();
    await (await a.transport.openStream('b', KIND)).end();
    expect(isConnected(a, 'b')).toBe(true);
  });

  it('end early when the receiver has enough', async () => {
    await using pair = await connectedPair({ streamWindowBytes: 16 * 1024 });
    pair.b.transport.onStream(KIND, async (_, chunks) => {
      for await (const chunk of chunks) {
        void chunk;
        return;
      }
    });
    const stream = await pair.a.transport.openStream('b', KIND);
    for (let count = 0; count < 20; count += 1) await stream.write(new Uint8Array(10_000));
    await stream.end();
  });
});

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isClusterError(error) ? error.code : `no ClusterError: ${String(error)}`;
}
