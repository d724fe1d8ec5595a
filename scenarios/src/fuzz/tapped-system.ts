import type { Crypto, DatagramOptions, Net, Socket, SocketHandler, System } from '@quorate/core';

/** Sees what one side of a stream sends, and says what is sent in its place. */
export type StreamTap = (bytes: Uint8Array) => readonly Uint8Array[];

/** What stands between a node and its network. */
export interface Tap {
  /** Called for each stream, whoever made it. */
  stream(): StreamTap;
  datagram(payload: Uint8Array): readonly Uint8Array[];
  /** What is about to be sealed. */
  plain(payload: Uint8Array): Uint8Array;
}

/** A machine of which all that leaves it passes the tap, some of it before it is sealed. */
export function tappedSystem(system: System, tap: Tap): System {
  return { ...system, net: tappedNet(system.net, tap), crypto: tappedCrypto(system.crypto, tap) };
}

function tappedCrypto(crypto: Crypto, tap: Tap): Crypto {
  return {
    deriveKey: (...given) => crypto.deriveKey(...given),
    hmac: (...given) => crypto.hmac(...given),
    seal: (key, nonce, associated, plain) => crypto.seal(key, nonce, associated, tap.plain(plain)),
    open: (...given) => crypto.open(...given),
    isEqual: (...given) => crypto.isEqual(...given),
  };
}

function tappedNet(net: Net, tap: Tap): Net {
  return {
    connect: async (address, handler, options) => tapped(await net.connect(address, handler, options), tap.stream()),
    listen: (address, accept, ...more) =>
      net.listen(address, (socket): SocketHandler => accept(tapped(socket, tap.stream())), ...more),
    bindDatagram: async (address, receive, options?: DatagramOptions) => {
      const socket = await net.bindDatagram(address, receive, options);
      return {
        address: socket.address,
        send: (payload, to) => {
          for (const each of tap.datagram(payload)) socket.send(each, to);
        },
        [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
      };
    },
  };
}

function tapped(socket: Socket, tap: StreamTap): Socket {
  return {
    get local() {
      return socket.local;
    },
    get remote() {
      return socket.remote;
    },
    get secured() {
      return socket.secured;
    },
    get bufferedBytes() {
      return socket.bufferedBytes;
    },
    write: (chunks) => socket.write(chunks.flatMap((chunk) => [...tap(chunk)])),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.end(),
    destroy: (error) => socket.destroy(error),
  };
}
