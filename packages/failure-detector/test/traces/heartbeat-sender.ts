/** Sends a datagram to the port given, again and again, and meanwhile does what delays it. */
import { createSocket } from 'node:dgram';

const [port = '0', everyMs = '100', trouble = 'none'] = process.argv.slice(2);
const socket = createSocket('udp4');
let kept: object[] = [];

setInterval(() => socket.send('.', Number(port), '127.0.0.1'), Number(everyMs));

/** Holds the event loop, as a long computation does. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Fills the heap with what lives for a while, so that the collector has much to move and to mark. */
function allocate(): void {
  const batch = Array.from({ length: 150_000 }, (_, at) => ({ at, text: `${at}`, list: [at, at] }));
  kept = kept.length > 6_000_000 ? batch : [...kept, ...batch];
}

function makeTrouble(): void {
  if (trouble === 'block') block(Math.random() < 0.1 ? 200 + 500 * Math.random() : 60 * Math.random());
  if (trouble === 'allocate') allocate();
  setTimeout(makeTrouble, trouble === 'allocate' ? 60 : 20 + 200 * Math.random());
}

if (trouble !== 'none') makeTrouble();
