import { ClusterError } from '@quorate/core';

const NEWLINE = 0x0a;

/**
 * The lines of a body, without those that are empty. What follows the last newline is dropped: a line that was cut off
 * says nothing.
 * @throws ClusterError `PROTOCOL` when a line is longer than `maxBytes`
 */
export async function* readLines(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, end);
      checkSize(size + part.length, maxBytes);
      const line = decode([...parts, part], size + part.length);
      parts = [];
      size = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    const rest = chunk.subarray(from);
    size += rest.length;
    checkSize(size, maxBytes);
    if (rest.length > 0) parts.push(rest);
  }
}

/**
 * All of a body as text.
 * @throws ClusterError `PROTOCOL` when it is longer than `maxBytes`
 */
export async function readAll(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    checkSize(size, maxBytes);
    parts.push(chunk);
  }
  return decode(parts, size);
}

function checkSize(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new ClusterError('PROTOCOL', `kubernetes: the answer is larger than ${maxBytes} bytes`);
}

function decode(parts: readonly Uint8Array[], size: number): string {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new TextDecoder().decode(whole);
}
