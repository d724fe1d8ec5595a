import type { NodeId } from '@quorate/core';
import { forceNewCluster } from '@quorate/replicator-raft';
import { exitCode, Failure } from '../failure.ts';
import type { Output } from '../output.ts';
import { nodeIdIn, nodeIn } from './folder.ts';

export interface ForceChoice {
  readonly data: string;
  /** Where it isn't stored in the folder. */
  readonly node?: NodeId | undefined;
  readonly group?: number | undefined;
}

/** Makes a new group of what one node has, of a group whose quorum is lost for good. */
export async function forceCluster({ data, node, group }: ForceChoice, output: Output): Promise<void> {
  const stored = await nodeIdIn(data);
  const nodeId = stored ?? node;
  if (nodeId === undefined)
    throw new Failure(exitCode.USAGE, `whose folder ${data} is isn't stored there: give --node`);
  if (node !== undefined && node !== nodeId) throw new Failure(exitCode.USAGE, `${data} is the folder of ${nodeId}`);
  const forced = await forceNewCluster(nodeIn(data, nodeId), group === undefined ? {} : { group });
  const { lastIndex, commit } = forced;
  const former = forced.former.map((member) => member.nodeId).filter((member) => member !== nodeId);
  output.result({ node: nodeId, data, ...forced }, () => {
    output.line(`${data}: the group of ${nodeId} alone, up to entry ${lastIndex}`);
    if (lastIndex > commit) output.line(`what is behind entry ${commit} may never have been acknowledged`);
    if (former.length > 0) output.line(`${former.join(', ')}: members no more; never start them with what they have`);
    output.line(`start ${nodeId} as always; then add others, with empty folders: quorate add <node>`);
  });
}
