// The other process of the benchmark `transport`: answers, and counts what is not to be answered.
import { silentLogger } from '@quorate/core';

import { listenPlain, PlainConnection } from './plain-net.ts';
import { startTransport } from './quorate-node.ts';
import { kinds, SECRET } from './transport-kinds.ts';

process.on('disconnect', () => process.exit());
const [, , system] = process.argv;
process.send?.(system === 'net' ? await serveNet() : await serveQuorate(system === 'quorate-tls' ? SECRET : undefined));

async function serveQuorate(secret: string | undefined): Promise<number> {
  const transport = await startTransport('peer', silentLogger, secret);
  let counted = 0;
  transport.onRequest(kinds.ECHO, (_, payload) => payload);
  transport.onMessage(kinds.SINK, (_, payload) => {
    counted += payload.length;
  });
  transport.onStream(kinds.SINK, async (_, chunks) => {
    for await (const chunk of chunks) counted += chunk.length;
  });
  transport.onRequest(kinds.COUNT, () => {
    const answer = new TextEncoder().encode(String(counted));
    counted = 0;
    return answer;
  });
  return transport.self.port;
}

function serveNet(): Promise<number> {
  return listenPlain((socket) => {
    let counted = 0;
    const connection = new PlainConnection(socket, (id, payload) => {
      if (id === 0) {
        counted += payload.length;
      } else if (payload.length > 0) {
        connection.send(id, payload);
      } else {
        connection.send(id, Buffer.from(String(counted)));
        counted = 0;
      }
    });
  });
}
