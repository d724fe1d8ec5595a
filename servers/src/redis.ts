import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';

import { findProgram } from './find-program.ts';
import { freePorts } from './free-ports.ts';
import { ServerProcess } from './server-process.ts';

/** A Redis that keeps everything in memory. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly process: ServerProcess;

  private constructor(port: number, process: ServerProcess) {
    this.port = port;
    this.process = process;
  }

  /** Undefined without a Redis. */
  static async start(): Promise<RedisServer | undefined> {
    const program = findProgram('redis-server');
    if (program === undefined) return undefined;
    const [port = 0] = await freePorts(1);
    const options = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'];
    const args = [...options, '--dir', tmpdir()];
    const isReady = async () => (await ping(port)).startsWith('+PONG');
    return new RedisServer(port, await ServerProcess.start({ name: 'redis-server', program, args, isReady }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

async function ping(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const [answer] = (await once(socket, 'data')) as readonly unknown[];
    return String(answer);
  } finally {
    socket.destroy();
  }
}
