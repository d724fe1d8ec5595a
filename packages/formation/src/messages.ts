import { type Charter, ClusterError, isCharter, isNodeId, type NodeId } from '@quorate/core';
import { type Ballot, isBallot, type Proposal } from './ballot.ts';

/** What nodes ask each other while they look for their cluster. */
export type Question =
  | { readonly type: 'look' }
  | { readonly type: 'prepare'; readonly ballot: Ballot; readonly nodes: readonly NodeId[] }
  | ({ readonly type: 'accept' } & Proposal);

export type Answer =
  /** There is a cluster. */
  | { readonly type: 'formed'; readonly charter: Charter }
  /** There is none yet, as far as this node knows: these are those that it hears of, itself among them. */
  | { readonly type: 'sight'; readonly sees: readonly NodeId[] }
  /** It takes no part in forming one. */
  | { readonly type: 'apart' }
  /** Nothing of an earlier ballot is accepted any more; this was accepted before. */
  | { readonly type: 'promised'; readonly accepted: Proposal | undefined }
  | { readonly type: 'accepted' }
  /** A later ballot was promised. */
  | { readonly type: 'refused'; readonly promised: Ballot };

const VERSION = 1;
/** Of a list of nodes. */
export const MAX_NODES = 1024;
const MAX_BYTES: number = 512 * 1024;

export function encode(message: Question | Answer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...message }));
}

/** @throws ClusterError `PROTOCOL` */
export function decodeQuestion(bytes: Uint8Array): Question {
  const value = parse(bytes);
  switch (value['type']) {
    case 'look':
      return { type: 'look' };
    case 'prepare':
      if (isBallot(value['ballot']) && areNodes(value['nodes'])) {
        return { type: 'prepare', ballot: plain(value['ballot']), nodes: value['nodes'] };
      }
      break;
    case 'accept':
      if (isProposal(value)) return { type: 'accept', ...bare(value) };
      break;
    default:
  }
  throw unsound('it asks for nothing that is known');
}

/** @throws ClusterError `PROTOCOL` */
export function decodeAnswer(bytes: Uint8Array): Answer {
  const value = parse(bytes);
  const { type, charter, sees, accepted, promised } = value;
  if (type === 'apart' || type === 'accepted') return { type };
  if (type === 'formed' && isCharter(charter)) return { type, charter: bareCharter(charter) };
  if (type === 'sight' && areNodes(sees)) return { type, sees };
  if (type === 'promised' && accepted === undefined) return { type, accepted };
  if (type === 'promised' && isProposal(accepted)) return { type, accepted: bare(accepted) };
  if (type === 'refused' && isBallot(promised)) return { type, promised: plain(promised) };
  throw unsound('it says nothing that is known');
}

/** What came from a disk or a peer, in its normal form. */
export function isProposal(value: unknown): value is Proposal {
  if (typeof value !== 'object' || value === null) return false;
  const { ballot, nodes, charter, isTakenOver } = value as Partial<Record<keyof Proposal, unknown>>;
  return isBallot(ballot) && areNodes(nodes) && isCharter(charter) && typeof isTakenOver === 'boolean';
}

function areNodes(value: unknown): value is readonly NodeId[] {
  if (!Array.isArray(value) || value.length > MAX_NODES) return false;
  return value.every((id, at) => isNodeId(id) && (at === 0 || (value[at - 1] as NodeId) < id));
}

function bare({ ballot, nodes, charter, isTakenOver }: Proposal): Proposal {
  return { ballot: plain(ballot), nodes, charter: bareCharter(charter), isTakenOver };
}

function bareCharter({ clusterId, founders }: Charter): Charter {
  return { clusterId, founders };
}

function plain({ round, proposer }: Ballot): Ballot {
  return { round, proposer };
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length > MAX_BYTES) throw unsound(`it has ${bytes.length} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw unsound('it is no JSON', error);
  }
  const record = Object(value) as Readonly<Record<string, unknown>>;
  if (record['version'] !== VERSION) throw unsound('it is of another version');
  return record;
}

function unsound(why: string, cause?: unknown): ClusterError {
  return new ClusterError('PROTOCOL', `a message about forming a cluster: ${why}`, { cause });
}
