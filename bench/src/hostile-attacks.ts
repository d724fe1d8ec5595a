// A process of the benchmark `hostile`: troubles the port it is told, in the way it is told, until it is ended.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { kinds } from './transport-kinds.ts';

const [, , attack = '', portText = '', overheardText = '', priority = ''] = process.argv;
const port = Number(portText);
/** What somebody on the way has seen of honest nodes. */
const overheard = Buffer.from(overheardText, 'hex');
// What it takes of the machine would be another machine's.
if (priority === 'low') setPriority(constants.priority.PRIORITY_LOW);
/** Of connections, together: each costs the one that makes it as much as the one that takes it. */
const PER_SECOND = 1000;
const MAX_SILENT = 400;
const FLOODING_CONNECTIONS = 4;
const DATAGRAMS_AT_ONCE = 16;
const DATAGRAM_BYTES = 200;
/** Format, version and protection, key, receiver. */
const COPIED_BYTES = 12;
const datagrams = createSocket('udp4').unref();
/** As docs/wire-protocol.md has them. */
const wire = { HELLO: 1, READY: 3, PING: 6, REQUEST: 17, UNKNOWN: 200 } as const;
let done = 0;

const attacks: Readonly<Record<string, () => void>> = {
  // Says nothing, and stays for as long as it may.
  connections: () => paced(silent),
  // Says what is refused.
  hellos: () => paced(refused),
  // Begins TLS with the first bytes of a genuine connection, which show that their sender has the secret; goes when it is answered.
  handshakes: () => paced(replayed),
  // Is met, and sends small frames that nobody wants, as fast as they are taken.
  frames: () => repeated(FLOODING_CONNECTIONS, (number) => flooding(number, frame(Uint8Array.of(wire.UNKNOWN)))),
  // Is met, and asks for an answer to each of as many pings as are taken; reads nothing.
  pings: () => repeated(FLOODING_CONNECTIONS, (number) => flooding(number, frame(Uint8Array.of(wire.PING)))),
  // Is met, asks for much, and reads nothing.
  readers: () => repeated(FLOODING_CONNECTIONS, (number) => flooding(number, echoed(30_000))),
  // Datagrams that are none of ours, as fast as the kernel takes them.
  junk: () => repeated(DATAGRAMS_AT_ONCE, () => thrown(Buffer.alloc(DATAGRAM_BYTES, 0x5a))),
  // Datagrams that look like those of a member, and are sealed with a secret that nobody has.
  sealed: () => repeated(DATAGRAMS_AT_ONCE, () => thrown(sealedByNobody())),
  // The same with the header of a genuine one, as if of ever other senders: that they are forged shows when they are opened.
  copied: () => repeated(DATAGRAMS_AT_ONCE, () => thrown(withCopiedHeader())),
};

process.on('disconnect', () => process.exit());
process.on('message', () => process.send?.(done));
attacks[attack]?.();
process.send?.('ready');

/** Each of so many goes on for ever, one after the other. */
function repeated(atOnce: number, once: (number: number) => Promise<void>): void {
  for (let number = 0; number < atOnce; number += 1) void forEver(number, once);
}

async function forEver(number: number, once: (number: number) => Promise<void>): Promise<void> {
  for (;;) {
    await once(number).catch(() => undefined);
    done += 1;
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

/** Begins so many a second, and waits for none. */
function paced(once: (number: number) => Promise<void>): void {
  const began = performance.now();
  setInterval(() => {
    const due = ((performance.now() - began) / 1000) * PER_SECOND;
    for (; done < due; done += 1) void once(done).catch(() => undefined);
  }, 5);
}

const silentSockets = new Set<Socket>();

async function silent(): Promise<void> {
  const socket = await dialled();
  silentSockets.add(socket);
  const [oldest] = silentSockets;
  if (silentSockets.size <= MAX_SILENT || oldest === undefined) return;
  silentSockets.delete(oldest);
  oldest.destroy();
}

async function refused(number: number): Promise<void> {
  const socket = await dialled();
  socket.resume();
  socket.write(hello(`stranger-${number}`, 'another-cluster'));
  await closed(socket);
}

async function replayed(): Promise<void> {
  const socket = await dialled();
  socket.write(overheard);
  await Promise.race([closed(socket), new Promise((resolve) => void socket.once('data', resolve))]);
  socket.destroy();
}

async function flooding(number: number, unit: Uint8Array): Promise<void> {
  const socket = await dialled();
  socket.pause();
  socket.write(Buffer.concat([hello(`stranger-${number}`, 'bench'), frame(Uint8Array.of(wire.READY))]));
  const many = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(65_536 / unit.length)) }, () => unit));
  const ended = closed(socket);
  while (!socket.destroyed) {
    done += 1;
    if (!socket.write(many)) await Promise.race([ended, new Promise((resolve) => void socket.once('drain', resolve))]);
  }
}

function thrown(datagram: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    datagrams.send(datagram, port, '127.0.0.1', () => resolve());
  });
}

/** As docs/membership.md has its header: `Qd`, version 1, sealed, and numbers that mean nothing to anybody. */
function sealedByNobody(): Uint8Array {
  const bytes = randomBytes(DATAGRAM_BYTES);
  bytes.set([0x51, 0x64, 1, 1]);
  return bytes;
}

/** As a header has it behind those: key and receiver (copied), session and counter (any). */
function withCopiedHeader(): Uint8Array {
  const bytes = randomBytes(DATAGRAM_BYTES);
  bytes.set(overheard.subarray(0, COPIED_BYTES));
  return bytes;
}

function dialled(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

function frame(body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + body.length);
  bytes.writeUInt32BE(body.length);
  bytes.set(body, 4);
  return bytes;
}

function echoed(payloadBytes: number): Buffer {
  const body = Buffer.alloc(7 + payloadBytes);
  body.writeUInt8(wire.REQUEST);
  body.writeUInt16BE(kinds.ECHO, 5);
  return frame(body);
}

function hello(id: string, cluster: string): Buffer {
  const head = Buffer.from([wire.HELLO, 0x51, 0x55, 0x4f, 0x52, 0, 1, 0, 1]);
  const node = { id, host: '127.0.0.1', port: 1 };
  const intro = { cluster, node, incarnation: 1, maxFrameBytes: 1_048_576, auth: ['none'], connected: false };
  return frame(Buffer.concat([head, Buffer.from(JSON.stringify(intro))]));
}
