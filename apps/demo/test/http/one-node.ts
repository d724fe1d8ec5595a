import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Said } from './said.ts';
import { nodeSystem } from '@quorate/core/node';
import { readNodeOptions } from '../../src/node/node-options.ts';
import { type ClientLimits, type RunningNode, runNode } from '../../src/node/run-node.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Said;
}

/** A cluster of one real node, with its storage on disk, and a client of it. */
export interface OneNode extends AsyncDisposable {
  readonly node: RunningNode;
  readonly data: string;
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** @param limits where they are to be reached */
export async function oneNode(args: readonly string[] = [], limits: Partial<ClientLimits> = {}): Promise<OneNode> {
  const data = await mkdtemp(join(tmpdir(), 'quorate-broker-test-'));
  const given = ['--id', 'a', '--data', data, '--log-level', 'silent', ...args];
  const node = await runNode({ ...readNodeOptions(given), limits }, nodeSystem(), () => undefined);
  return {
    node,
    data,
    call: (method, path, body, headers) => call(`${node.url}${path}`, method, body, headers),
    [Symbol.asyncDispose]: async () => {
      await node.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

export async function call(
  url: string,
  method: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as Said };
}
