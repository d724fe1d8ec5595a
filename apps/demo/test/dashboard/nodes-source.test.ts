import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { LogEntry } from '../../src/dashboard/dashboard-state.ts';
import { NodesSource } from '../../src/dashboard/nodes-source.ts';
import { serveNodes } from '../../src/dashboard/serve-nodes.ts';
import { Samples } from '../../src/dashboard/samples.ts';
import { oneNode } from '../http/one-node.ts';
import type { OneNode } from '../http/one-node.ts';
import { RecordedRun } from './recorded-run.ts';

describe('a dashboard of nodes that it did not start', () => {
  let broker: OneNode;
  let source: NodesSource;
  let told: LogEntry[];

  beforeEach(async () => {
    broker = await oneNode();
    source = new NodesSource({ urls: [`${broker.node.url}/`] });
    told = [];
    source.subscribe({ onChange: () => undefined, onEntry: (entry) => told.push(entry) });
  });
  afterEach(async () => {
    source[Symbol.dispose]();
    await broker[Symbol.asyncDispose]();
  });

  test('shows what the node says, and offers nothing that it cannot do', async () => {
    await expect.poll(() => source.state().nodes[0]?.status?.replication?.role, { timeout: 10_000 }).toBe('leader');
    expect(source.state()).toMatchObject({ nodes: [{ id: 'a', process: 'running' }], traffic: undefined });
    expect(source.state().controls).toEqual(['transfer']);
    await expect(source.act({ action: 'kill', node: 'a' })).rejects.toThrow('whoever started');
    await expect(source.act({ action: 'transfer', node: 'nobody' })).rejects.toThrow();
    await source.act({ action: 'transfer', node: 'a' });
    await expect.poll(() => told.map(({ text }) => text).join()).toMatch(/^.*answers.*leads the log in term \d+/);
  });

  test('is served with what it can do', async () => {
    const at = { host: '127.0.0.1', port: 0 };
    await using dashboard = await serveNodes({ at, urls: [broker.node.url], bearerToken: undefined });
    const response = await fetch(new URL('events', dashboard.url));
    let text = '';
    for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes('"id":"a"')) break;
    }
    expect(text).toContain('"controls":["transfer"]');
    expect(text).toContain('event: messages\ndata: {"does":"acknowledge","messages":[]}');
  });

  test('says that a node is gone', async () => {
    await expect.poll(() => source.state().nodes[0]?.status, { timeout: 10_000 }).toBeDefined();
    await broker.node.stop();
    await expect.poll(() => source.state().nodes[0]?.status, { timeout: 10_000 }).toBeUndefined();
    expect(source.state().nodes[0]).toMatchObject({ id: 'a' });
    expect(told).toContainEqual(expect.objectContaining({ level: 'bad', node: 'a', text: 'does not answer any more' }));
  });
});

describe('what is counted each second', () => {
  const { nodes, ...rest } = new RecordedRun().state();
  const [node] = nodes;
  const at = (published: number) => {
    if (node?.status === undefined) throw new Error('the recording begins with a node that answers');
    const requests = { published, delivered: 0, acknowledged: 0, failed: 0 };
    return { ...rest, traffic: undefined, nodes: [{ ...node, status: { ...node.status, requests } }] };
  };

  test('is by how much the nodes counts grew, also of one that began anew', () => {
    const samples = new Samples();
    const seen = [100, 130, 130, 7, 9].map((published, second) => samples.take(at(published), second).published);
    expect(seen).toEqual([0, 30, 0, 7, 2]);
  });

  test('is kept for two minutes', () => {
    const samples = new Samples();
    for (let second = 1; second <= 200; second += 1) samples.take(at(second), second);
    expect(samples.all).toHaveLength(120);
    expect(samples.all[0]?.at).toBe(81);
  });
});
