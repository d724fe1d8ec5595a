import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readDeployFile } from './deploy-files.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../../../..');
const BUILD_MS = 300_000;
const WITHIN_MS = 60_000;
const TOKEN = 'a-token-of-the-test';
const IDS = ['a', 'b', 'c'] as const;

const isWanted = process.env['QUORATE_PACKED'] === 'all';
if (!isWanted) console.log('skipped: the tree of files of the image, started (QUORATE_PACKED=all; it takes a minute)');

// There is no Docker here: what the Dockerfile runs to make the tree is run, and what it starts is started from there.
describe.skipIf(!isWanted)('the tree of files that the Dockerfile makes', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-image-'));
  const broker = path.join(folder, 'broker');
  const nodes: ChildProcess[] = [];
  let printed = '';

  beforeAll(async () => {
    const commands = [...readDeployFile('Dockerfile').matchAll(/^RUN (npx .+)$/gmu)].map(([, command = '']) => command);
    expect(commands).toHaveLength(3);
    // The first installs what is installed here already.
    for (const command of commands.slice(1)) {
      await run('sh', ['-c', command.replace(' /broker', ` ${broker}`)], { cwd: root, timeout: BUILD_MS });
    }
  }, BUILD_MS);
  afterAll(() => {
    for (const node of nodes) node.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }, BUILD_MS);

  it('has the app and what it needs, and no tests', () => {
    expect(readdirSync(broker).toSorted()).toEqual(['README.md', 'deploy', 'node_modules', 'package.json', 'src']);
  });

  it('is three nodes that become ready, take a message, and end by themselves when they are told to', async () => {
    const ports = await freePorts(2 * IDS.length);
    writeFileSync(path.join(folder, 'secret'), 'a secret of the test\n');
    writeFileSync(path.join(folder, 'token'), TOKEN);
    const peers = IDS.map((id, at) => `${id}@127.0.0.1:${ports[at]}`);
    IDS.forEach((id, at) => {
      const others = peers.filter((_, other) => other !== at).join(',');
      nodes.push(
        start([`--id=${id}`, `--port=${ports[at]}`, `--peers=${others}`, `--http=127.0.0.1:${ports[at + 3]}`]),
      );
    });
    const urls = ports.slice(IDS.length).map((port) => `http://127.0.0.1:${port}`);
    for (const url of urls) await until(`${url} to be ready`, async () => (await fetch(`${url}/readyz`)).ok);
    expect((await fetch(`${urls[0]}/v1/cluster`)).status).toBe(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await fetch(`${urls[0]}/v1/cluster`, { headers })).status).toBe(200);
    for (const node of nodes) {
      node.kill('SIGTERM');
      expect((await once(node, 'exit'))[0], printed).toBe(0);
    }
  }, 180_000);

  function start(args: readonly string[]): ChildProcess {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const files = {
      QUORATE_SECRET_FILE: path.join(folder, 'secret'),
      QUORATE_HTTP_TOKEN_FILE: path.join(folder, 'token'),
    };
    const program = path.join(broker, 'deploy', 'entrypoint.sh');
    const node = spawn(program, [...args, `--data=${path.join(folder, 'data')}`], {
      cwd: '/',
      env: { ...env, ...files },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [node.stdout, node.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => (printed += part));
    }
    return node;
  }

  async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + WITHIN_MS;
    while (!(await condition().catch(() => false))) {
      if (performance.now() > end) throw new Error(`waited in vain for ${what}: ${printed}`);
      await delay(50);
    }
  }
});
