import type { NodeId } from '@quorate/core';
import { ControlRefused, type DashboardControls } from '../dashboard/dashboard-source.ts';
import type { ControlAction, NodeAction } from '../dashboard/dashboard-state.ts';
import { NodesClient } from '../traffic/nodes-client.ts';
import type { Problem } from '../traffic/problem.ts';
import type { Traffic } from '../traffic/traffic.ts';
import type { Supervisor } from './supervisor.ts';

const TRANSFER_MS = 12_000;

/** Does what the buttons of the dashboard and the keys of the terminal say. */
export class DemoControls implements DashboardControls {
  readonly #supervisor: Supervisor;
  readonly #traffic: Traffic;

  constructor(supervisor: Supervisor, traffic: Traffic) {
    this.#supervisor = supervisor;
    this.#traffic = traffic;
  }

  async act(request: ControlAction): Promise<void> {
    switch (request.action) {
      case 'partition':
        this.#supervisor.cut(request.groups);
        return;
      case 'heal':
        this.#supervisor.heal();
        return;
      case 'traffic':
        if (request.on) this.#traffic.resume();
        else void this.#traffic.halt();
        return;
      case 'kill':
      case 'pause':
      case 'resume':
      case 'stop':
      case 'start':
      case 'restart':
      case 'isolate':
      case 'transfer':
        await this.#toNode(request.action, request.node);
    }
  }

  async #toNode(action: NodeAction, id: NodeId): Promise<void> {
    const node = this.#supervisor.nodes.find((other) => other.id === id);
    if (node === undefined) throw new ControlRefused(`there is no node ${id}`);
    if (!POSSIBLE[action].includes(node.process)) throw new ControlRefused(`${id} is ${node.process}`);
    switch (action) {
      case 'kill':
        return this.#supervisor.kill(id);
      case 'pause':
        return this.#supervisor.pause(id);
      case 'resume':
        return this.#supervisor.resume(id);
      case 'stop':
        void this.#supervisor.stop(id);
        return;
      case 'start':
        return this.#supervisor.start(id);
      case 'restart':
        void this.#supervisor.stop(id).then(() => this.#supervisor.start(id));
        return;
      case 'isolate':
        return this.#supervisor.cut([[id]]);
      case 'transfer':
        return this.#transfer(id);
    }
  }

  /** Any node that answers hands this on to whoever is elected. */
  async #transfer(to: NodeId): Promise<void> {
    const urls = this.#supervisor.nodes.filter(({ status }) => status !== undefined).map(({ url }) => url);
    if (urls.length === 0) throw new ControlRefused('no node runs');
    const client = new NodesClient({ urls, timeoutMs: TRANSFER_MS });
    const signal = AbortSignal.timeout(TRANSFER_MS);
    const call = { method: 'POST', path: '/v1/cluster/transfer', body: { to }, signal } as const;
    const answer = await client.persist(call).catch(() => undefined);
    if (answer === undefined) throw new ControlRefused(`nobody could hand over to ${to} in time`);
    if (answer.status >= 300) throw new ControlRefused((answer.body as Problem).detail);
  }
}

const RUNS: readonly string[] = ['running'];
const IS_THERE: readonly string[] = ['starting', 'running', 'paused', 'stopping'];

/** In which states of the process each can be done. */
const POSSIBLE: Readonly<Record<NodeAction, readonly string[]>> = {
  kill: IS_THERE,
  pause: RUNS,
  resume: ['paused'],
  stop: ['starting', 'running', 'paused'],
  start: ['stopped', 'killed'],
  restart: ['running', 'paused'],
  isolate: ['starting', 'running', 'paused', 'stopping', 'stopped', 'killed'],
  transfer: RUNS,
};
