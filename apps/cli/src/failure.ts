import { type ClusterError, type ClusterErrorCode, isClusterError } from '@quorate/core';

/** What the process ends with. Each is documented in the README, and none changes its meaning. */
export const exitCode = {
  OK: 0,
  /** Whatever has no code of its own. */
  FAILED: 1,
  USAGE: 2,
  /** No node could be reached, or none let this client in. */
  UNREACHABLE: 3,
  /** Too few nodes answer each other, or nobody leads. */
  NO_QUORUM: 4,
  /** A file, log or snapshot is damaged. */
  DAMAGED: 5,
  /** The node does not take this operation, or its cluster can't do it. */
  REFUSED: 6,
  /** The folder is in use. */
  IN_USE: 7,
  /** A change was under way, and nobody knows whether it was made. */
  UNKNOWN: 8,
  /** As a shell has it for SIGINT. */
  INTERRUPTED: 130,
} as const;

type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** Why a command ended without success: one line for people, and a code for programs. */
export class Failure extends Error {
  readonly exitCode: ExitCode;

  constructor(code: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = code;
  }
}

const BY_CODE: Partial<Record<ClusterErrorCode, ExitCode>> = {
  INVALID_OPTIONS: exitCode.USAGE,
  INVALID_ADDRESS: exitCode.USAGE,
  DISCONNECTED: exitCode.UNREACHABLE,
  QUORUM_LOST: exitCode.NO_QUORUM,
  NOT_LEADER: exitCode.NO_QUORUM,
  CORRUPT: exitCode.DAMAGED,
  REFUSED: exitCode.REFUSED,
  UNSUPPORTED: exitCode.REFUSED,
  LOCKED: exitCode.IN_USE,
};

const HINTS: Partial<Record<ClusterErrorCode, string>> = {
  QUORUM_LOST: 'start the nodes that are down; where they are lost for good, see "quorum" in the docs on recovering',
  NOT_LEADER: 'an election may be under way: try again in a moment',
  CORRUPT: 'start the node, which gets its log anew from the others, or restore a snapshot into an empty folder',
  LOCKED: 'stop the node first, or work on a copy of the folder',
  OVERLOADED: 'try again in a moment',
  TIMEOUT: 'look at quorate status, and give more time with --timeout',
};

/**
 * Any error as what is said and returned.
 * @param isChange whether it makes a difference that the outcome isn't known
 */
export function toFailure(error: unknown, isChange = false): Failure {
  if (error instanceof Failure) return error;
  if (!isClusterError(error)) {
    return new Failure(exitCode.FAILED, error instanceof Error ? error.message : String(error), { cause: error });
  }
  const { code, message } = error;
  if (code === 'UNSUPPORTED' && /no handler for requests/u.test(message)) {
    const why = 'the node serves no operations: call operations(cluster) of @quorate/operations in its program';
    return new Failure(exitCode.REFUSED, why, { cause: error });
  }
  if (isChange && mayHaveHappened(error)) {
    const advice = 'whether it was done is not known: look with quorate status and quorate members';
    return new Failure(exitCode.UNKNOWN, `${message}; ${advice}`, { cause: error });
  }
  const hint = HINTS[code];
  const text = hint === undefined ? message : `${message}; ${hint}`;
  return new Failure(BY_CODE[code] ?? exitCode.FAILED, text, { cause: error });
}

/** Where nothing is said of it, what was cut short may go on where it was asked for. */
function mayHaveHappened({ code, outcome }: ClusterError): boolean {
  if (NEVER_BEGUN.includes(code)) return false;
  return outcome === undefined ? CUT_SHORT.includes(code) : outcome === 'unknown';
}

const NEVER_BEGUN: readonly ClusterErrorCode[] = ['INVALID_OPTIONS', 'UNSUPPORTED'];
const CUT_SHORT: readonly ClusterErrorCode[] = ['ABORTED', 'CLOSED', 'DISCONNECTED', 'TIMEOUT'];
