import {
  checkOptions,
  ClusterError,
  isNodeId,
  type NodeId,
  type OptionRule,
  type OptionRules,
  parseJson,
  rule,
  toClusterError,
} from '@quorate/core';

/** What is asked of a node; see the README for each. */
type OperationName =
  | 'status'
  | 'members'
  | 'leader'
  | 'events'
  | 'ping'
  | 'barrier'
  | 'backup-open'
  | 'backup-read'
  | 'backup-close'
  | 'transfer'
  | 'add'
  | 'remove'
  | 'leave';

/** A request, checked. Of the fields each operation uses its own. */
export interface OperationRequest {
  readonly version: number;
  readonly operation: OperationName;
  /** Which node it is for: one that is asked for another passes it on. */
  readonly on?: NodeId;
  /** It was passed on: not once more. */
  readonly isPassedOn?: boolean;
  /** How long it may take, where it has to do with other nodes. Milliseconds. */
  readonly timeoutMs?: number;
  /** Whom `transfer`, `add` and `remove` are about. */
  readonly nodeId?: NodeId;
  /** Of `add`. */
  readonly as?: 'voter' | 'learner';
  /** Of `backup-open`: without asking the leader. */
  readonly local?: boolean;
  /** Of `backup-read` and `backup-close`. */
  readonly backup?: string;
  /** Of `events`: of which run of which node `after` is. */
  readonly session?: string;
  /** Of `events`: the number of the last one that is known. */
  readonly after?: number;
  /** Of `events`: how long to wait for the first. Milliseconds. */
  readonly waitMs?: number;
}

/** Which of them change something. */
const CHANGES: ReadonlySet<OperationName> = new Set<OperationName>(['transfer', 'add', 'remove', 'leave']);

export const VERSION = 1;
const MAX_REQUEST_BYTES = 8192;
export const MAX_TIMEOUT_MS = 600_000;
const MAX_WAIT_MS = 30_000;

const nodeId: OptionRule<NodeId> = rule.text('the id of a node', isNodeId);
const id: OptionRule<string> = rule.text('an id', (text) => /^[0-9a-f]{32}$/u.test(text));

const rules: OptionRules<OperationRequest> = {
  version: rule.integer({ min: 1 }),
  operation: rule.oneOf<OperationName>(
    'status',
    'members',
    'leader',
    'events',
    'ping',
    'barrier',
    'backup-open',
    'backup-read',
    'backup-close',
    'transfer',
    'add',
    'remove',
    'leave',
  ),
  on: nodeId,
  isPassedOn: rule.flag(),
  timeoutMs: rule.duration({ min: 1, max: MAX_TIMEOUT_MS }),
  nodeId,
  as: rule.oneOf<'voter' | 'learner'>('voter', 'learner'),
  local: rule.flag(),
  backup: id,
  session: id,
  after: rule.integer({ min: 0 }),
  waitMs: rule.duration({ min: 0, max: MAX_WAIT_MS }),
};

export function isChange({ operation }: OperationRequest): boolean {
  return CHANGES.has(operation);
}

export function encodeRequest(request: OperationRequest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(request));
}

/** @throws ClusterError `PROTOCOL`, `UNSUPPORTED` for another version, `INVALID_OPTIONS` naming the field */
export function decodeRequest(payload: Uint8Array): OperationRequest {
  if (payload.length > MAX_REQUEST_BYTES) {
    throw new ClusterError('PROTOCOL', `an operation of ${payload.length} bytes: ${MAX_REQUEST_BYTES} fit`);
  }
  const given = parse(payload);
  if (typeof given === 'object' && given !== null && 'version' in given && given.version !== VERSION) {
    const message = `operations of version ${VERSION} are spoken here, not of version ${String(given.version)}`;
    throw new ClusterError('UNSUPPORTED', message.slice(0, 200));
  }
  const checked: Partial<OperationRequest> = checkOptions<OperationRequest>('operation', rules, given);
  const { version, operation } = checked;
  if (version === undefined || operation === undefined) {
    throw new ClusterError('PROTOCOL', 'an operation has a version and a name');
  }
  return { ...checked, version, operation };
}

/** What a request must have to be that of its operation. */
export function required<T>(value: T | undefined, { operation }: OperationRequest, field: string): T {
  if (value !== undefined) return value;
  throw new ClusterError('INVALID_OPTIONS', `operation: ${operation} needs ${field}`);
}

function parse(payload: Uint8Array): unknown {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(payload), 4);
  } catch (error) {
    throw toClusterError(error, 'PROTOCOL', 'an operation that does not parse');
  }
}
