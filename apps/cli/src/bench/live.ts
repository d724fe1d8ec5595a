import { raftProfiles } from '@quorate/replicator-raft';
import { isClusterError } from '@quorate/core';
import type { Connection } from '../online/connection.ts';
import type { Output } from '../output.ts';
import { measured, repeated } from './measured.ts';
import { showMeasured, showVerdict, verdictOf } from './shown.ts';

const MOST = 5000;

/** What ways take: from here to a node, from it to each other node, and until it knows that it has all that was acknowledged. */
export async function benchLive(connection: Connection, forMs: number, output: Output): Promise<void> {
  const { client, node, timeoutMs } = connection;
  const times = { forMs, most: MOST };
  const members = await node.members({ timeoutMs });
  const here = client.node.id;
  const rows = [{ name: `to ${here}`, ...measured(await repeated(() => node.ping({ timeoutMs }), times)) }];
  const alive = members.filter(({ nodeId, membership }) => nodeId !== here && membership?.state === 'alive');
  let slowest = 0;
  for (const { nodeId } of alive) {
    const passed = measured(await repeated(() => node.ping({ on: nodeId, timeoutMs }), times));
    rows.push({ name: `by ${here} to ${nodeId}`, ...passed });
    slowest = Math.max(slowest, passed.p99Ms);
  }
  try {
    rows.push({ name: `barrier on ${here}`, ...measured(await repeated(() => node.barrier({ timeoutMs }), times)) });
  } catch (error) {
    // Not all clusters replicate.
    if (!isClusterError(error, 'UNSUPPORTED')) throw error;
  }
  const verdict =
    alive.length === 0 ? undefined : verdictOf(slowest, raftProfiles.lan.electionMs, 'a way there and back');
  output.result({ node: here, times: rows, verdict }, () => {
    showMeasured(rows, output);
    output.line('');
    if (verdict !== undefined) showVerdict(verdict, output);
  });
}
