import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConsulServer } from '../src/consul.ts';
import { KubernetesServer } from '../src/kubernetes.ts';

let folder = '';

/** Programs that are not what they are called, and temporary files where they can be counted. */
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'quorate-failed-'));
  await mkdir(path.join(folder, 'tmp'));
  vi.stubEnv('TMPDIR', path.join(folder, 'tmp'));
  vi.stubEnv('QUORATE_SERVERS', folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function program(name: string, script: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, `#!${process.execPath}\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

describe('a server that fails to start leaves nothing behind', () => {
  it('consul', async () => {
    await program('consul', 'process.exit(1)');
    await expect(ConsulServer.start()).rejects.toThrow('consul ended with 1');
    expect(await readdir(path.join(folder, 'tmp'))).toEqual([]);
  });

  it('an API server, whose etcd runs by then', async () => {
    const pidFile = path.join(folder, 'pid');
    const etcd = await program(
      'etcd',
      `const { port } = new URL(process.argv.find((arg) => arg.startsWith('--listen-client-urls=')).split('=')[1]);
       require('node:fs').writeFileSync('${pidFile}', String(process.pid));
       require('node:http').createServer((_, answer) => answer.end()).listen(Number(port), '127.0.0.1');`,
    );
    const apiServer = await program('kube-apiserver', 'process.exit(1)');
    await expect(KubernetesServer.start({ etcd, apiServer, elect: undefined })).rejects.toThrow(
      'kube-apiserver ended with 1',
    );
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(await readdir(path.join(folder, 'tmp'))).toEqual([]);
  });
});
