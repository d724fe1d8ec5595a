import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const scratch = fileURLToPath(new URL('../src/scratch.ts', import.meta.url));
const server = createServer();
let holder: ChildProcess;
let folder: string;
/** From what the holder runs: it closes when that ends. */
let connection: Socket;

/** Holds a scratch in which a program runs that does nothing but stay connected. */
const HOLDER = `
  const { Scratch } = await import(process.argv[1]);
  const scratch = new Scratch();
  const stay = "require('net').connect(" + process.argv[2] + ", '127.0.0.1').resume()";
  scratch.run(process.execPath, ['-e', stay]);
  console.log(scratch.folder('held'));
  process.stdin.once('data', async () => {
    await scratch[Symbol.asyncDispose]();
    console.log('disposed');
    process.exit();
  });
`;

beforeEach(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const connected = once(server, 'connection');
  const { port } = server.address() as AddressInfo;
  const args = ['--conditions=@quorate/source', '--input-type=module', '-e', HOLDER, scratch, String(port)];
  holder = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  folder = String(await line()).trim();
  [connection] = (await connected) as [Socket];
  connection.resume().on('error', () => undefined);
});

afterEach(async () => {
  holder.kill('SIGKILL');
  connection.destroy();
  await once(server.close(), 'close');
});

async function line(): Promise<unknown> {
  const [text] = (await once(holder.stdout!, 'data')) as [unknown];
  return text;
}

it('ends what runs and removes what was written when it is disposed of', async () => {
  const closed = once(connection, 'close');
  expect(existsSync(folder)).toBe(true);
  holder.stdin!.write('dispose\n');
  expect(String(await line())).toBe('disposed\n');
  await closed;
  expect(existsSync(folder)).toBe(false);
});

it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('does so too when its process is ended by %s', async (signal) => {
  const closed = once(connection, 'close');
  holder.kill(signal);
  await closed;
  await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: 10_000 });
});
