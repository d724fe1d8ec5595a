import type { Socket } from 'node:net';

/** Calls `take` for each complete line; what follows the last end of line is not one. */
export function readLines(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + String(text)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}
