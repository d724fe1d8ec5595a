import { setTimeout as delay } from 'node:timers/promises';
import type { NodeId } from '@quorate/core';
import type { StatusReport } from '@quorate/operations';
import type { Output } from '../output.ts';
import { exitCode, Failure } from '../failure.ts';
import type { Connection } from './connection.ts';

/** Has leadership handed over, by whoever holds it: of the election, and of the log. */
export async function transfer(to: string, { node, timeoutMs }: Connection, output: Output): Promise<void> {
  const { elected } = await node.transfer(to, { timeoutMs });
  const nodeId = elected?.nodeId ?? to;
  output.result({ leader: nodeId, token: elected?.token }, () => output.line(`${nodeId} leads`));
}

export async function add(
  nodeId: string,
  as: 'voter' | 'learner',
  connection: Connection,
  output: Output,
): Promise<void> {
  const { node, timeoutMs } = connection;
  await node.addNode(nodeId, { as, timeoutMs, ...(await memberOf(connection)) });
  output.result({ added: nodeId, as }, () => output.line(`${nodeId} is a member of the group, as a ${as}`));
}

export async function remove(nodeId: string, connection: Connection, output: Output): Promise<void> {
  const { node, timeoutMs } = connection;
  await node.removeNode(nodeId, { timeoutMs, ...(await memberOf(connection)) });
  output.result({ removed: nodeId }, () => output.line(`${nodeId} is no member of the group: it may be switched off`));
}

/** Who can be asked to change the group: the node that is connected, unless it has no place there and another has one. */
async function memberOf({ node, timeoutMs }: Connection): Promise<{ readonly on?: NodeId }> {
  const here = await node.status({ timeoutMs });
  if (hasPlace(here)) return {};
  for (const { nodeId, membership } of await node.members({ timeoutMs })) {
    if (nodeId === here.nodeId || membership?.state !== 'alive') continue;
    const report = await node.status({ on: nodeId, timeoutMs: Math.min(timeoutMs, STATUS_MS) }).catch(() => undefined);
    if (report !== undefined && hasPlace(report)) return { on: nodeId };
  }
  return {};
}

/** Others are given no longer to answer. */
const STATUS_MS = 3000;

/** Where nothing is replicated, who is asked says so. */
function hasPlace({ replication }: StatusReport): boolean {
  return replication?.phase === undefined || replication.phase === 'running' || replication.phase === 'halted';
}

const LEAVE_POLL_MS = 100;

/** Has a node's program end, and waits until the node has gone. */
export async function leave(
  nodeId: string,
  isWaiting: boolean,
  { client, node, timeoutMs }: Connection,
  output: Output,
): Promise<void> {
  await node.leave({ on: nodeId, timeoutMs });
  const isGone = async (): Promise<boolean> => {
    if (client.node.id === nodeId) return !client.isConnected;
    const members = await node.members({ timeoutMs });
    const state = members.find((member) => member.nodeId === nodeId)?.membership?.state;
    return state === undefined || state === 'left' || state === 'unreachable';
  };
  if (isWaiting) await waitUntil(isGone, nodeId, timeoutMs);
  const is = isWaiting ? 'has left' : 'leaves';
  output.result({ node: nodeId, isGone: isWaiting }, () => output.line(`${nodeId} ${is}`));
}

async function waitUntil(isGone: () => Promise<boolean>, nodeId: string, timeoutMs: number): Promise<void> {
  const until = process.hrtime.bigint() + BigInt(timeoutMs) * 1_000_000n;
  while (!(await isGone())) {
    if (process.hrtime.bigint() > until) {
      throw new Failure(exitCode.UNKNOWN, `${nodeId} was told to leave, and is still there after ${timeoutMs} ms`);
    }
    await delay(LEAVE_POLL_MS);
  }
}
