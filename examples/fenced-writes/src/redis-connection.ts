import { once } from 'node:events';
import { connect } from 'node:net';
import type { Redis } from './redis.ts';

interface Reply {
  readonly value: unknown;
  /** Where the next one begins. */
  readonly end: number;
}

/** Just enough of Redis' protocol for this example, so that it needs no client: one command at a time. */
export async function connectRedis(port: number): Promise<Redis> {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  let received = '';
  let last: Promise<unknown> = Promise.resolve();
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
  const ask = async (words: readonly string[]): Promise<unknown> => {
    const sent = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${sent.join('')}`);
    for (;;) {
      const reply = readReply(received);
      if (reply !== undefined) {
        received = received.slice(reply.end);
        if (reply.value instanceof Error) throw reply.value;
        return reply.value;
      }
      await once(socket, 'data');
    }
  };
  return {
    command: (...words) => {
      const answer = last.then(() => ask(words));
      last = answer.catch(() => undefined);
      return answer;
    },
    close: async () => void socket.destroy(),
  };
}

/** Texts, numbers and errors; lists are not asked for. Lengths are of texts in ASCII. */
function readReply(text: string): Reply | undefined {
  const end = text.indexOf('\r\n');
  if (end < 0) return undefined;
  const line = text.slice(1, end);
  const next = end + 2;
  if (text[0] === ':') return { value: Number(line), end: next };
  if (text[0] === '+') return { value: line, end: next };
  if (text[0] === '-') return { value: new Error(line), end: next };
  const length = Number(line);
  if (length < 0) return { value: null, end: next };
  if (text.length < next + length + 2) return undefined;
  return { value: text.slice(next, next + length), end: next + length + 2 };
}
