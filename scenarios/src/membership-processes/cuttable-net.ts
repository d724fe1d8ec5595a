import {
  type Address,
  ClusterError,
  type ConnectOptions,
  type DatagramOptions,
  type DatagramSocket,
  type Listener,
  type ListenOptions,
  type Net,
  settleWithin,
  type Socket,
  type SocketHandler,
} from '@quorate/core';

/** As a kernel that gets no answer gives up, but sooner. */
const CONNECT_GIVES_UP_MS = 10_000;

/**
 * The network, with a cut in it: to some ports, all that is sent is lost, as are all answers. A stream is cut by who dialled
 * it, so its two ends need no more than that each knows the ports of the other side. What is cut is silent, not closed; a
 * stream that lost anything is reset when the cut heals.
 */
export class CuttableNet implements Net {
  readonly #net: Net;
  #cut: ReadonlySet<number> = new Set();
  readonly #streams = new Set<CutStream>();
  readonly counts = { datagrams: 0, datagramBytes: 0, streamWrites: 0, streamBytes: 0 };

  constructor(net: Net) {
    this.#net = net;
  }

  inspectCertificates: NonNullable<Net['inspectCertificates']> = (certificates) => {
    if (this.#net.inspectCertificates === undefined) throw new ClusterError('UNSUPPORTED', 'no certificates');
    return this.#net.inspectCertificates(certificates);
  };

  cut(ports: readonly number[]): void {
    this.#cut = new Set(ports);
  }

  heal(): void {
    this.#cut = new Set();
    for (const stream of this.#streams) stream.healed();
  }

  isCut({ port }: Address): boolean {
    return this.#cut.has(port);
  }

  async connect(address: Address, handler: SocketHandler, options: ConnectOptions = {}): Promise<Socket> {
    if (this.isCut(address)) await this.#nobodyAnswers(options.signal);
    const stream = new CutStream(() => this.isCut(address), handler);
    const socket = await this.#net.connect(address, stream.handler, options);
    return this.#counted(stream.over(socket), stream);
  }

  listen(address: Address, accept: (socket: Socket) => SocketHandler, options?: ListenOptions): Promise<Listener> {
    return this.#net.listen(address, (socket) => accept(this.#counted(socket)), options);
  }

  async bindDatagram(
    address: Address,
    receive: (payload: Uint8Array, from: Address) => void,
    options?: DatagramOptions,
  ): Promise<DatagramSocket> {
    const admit = (payload: Uint8Array, from: Address) => {
      if (!this.isCut(from)) receive(payload, from);
    };
    const socket = await this.#net.bindDatagram(address, admit, options);
    return {
      address: socket.address,
      send: (payload, to) => {
        this.counts.datagrams += 1;
        this.counts.datagramBytes += payload.byteLength;
        if (!this.isCut(to)) socket.send(payload, to);
      },
      [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
    };
  }

  async #nobodyAnswers(signal: AbortSignal | undefined): Promise<never> {
    await settleWithin<void>(signal, 'connect', (resolve) => {
      const timer = setTimeout(resolve, CONNECT_GIVES_UP_MS);
      return () => clearTimeout(timer);
    });
    throw new ClusterError('DISCONNECTED', 'nobody answers');
  }

  #counted(socket: Socket, stream?: CutStream): Socket {
    if (stream !== undefined) {
      this.#streams.add(stream);
      stream.onClose = () => this.#streams.delete(stream);
    }
    const write = (chunks: readonly Uint8Array[]): boolean => {
      this.counts.streamWrites += 1;
      for (const { byteLength } of chunks) this.counts.streamBytes += byteLength;
      return socket.write(chunks);
    };
    return new Proxy(socket, {
      get: (target, name) => {
        if (name === 'write') return write;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}

/** The end of a stream that dialled. */
class CutStream {
  readonly handler: SocketHandler;
  onClose: () => void = () => undefined;
  readonly #isCut: () => boolean;
  #socket: Socket | undefined;
  #lost = false;

  constructor(isCut: () => boolean, handler: SocketHandler) {
    this.#isCut = isCut;
    this.handler = {
      data: (bytes) => {
        if (!this.#loses()) handler.data(bytes);
      },
      drain: () => handler.drain(),
      close: (error) => {
        this.onClose();
        handler.close(error);
      },
    };
  }

  /** The socket, whose writes are lost while it is cut. */
  over(socket: Socket): Socket {
    this.#socket = socket;
    return new Proxy(socket, {
      get: (target, name) => {
        if (name === 'write') return (chunks: readonly Uint8Array[]) => this.#loses() || target.write(chunks);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  healed(): void {
    if (this.#lost) this.#socket?.destroy(new Error('parts of it were lost'));
  }

  #loses(): boolean {
    if (this.#isCut()) this.#lost = true;
    return this.#lost;
  }
}
