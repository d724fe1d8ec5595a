import type { RaftProfile } from '@quorate/replicator-raft';

export interface RaftNodeSettings {
  readonly id: string;
  readonly directory: string;
  /** By id. */
  readonly ports: Readonly<Record<string, number>>;
  readonly profile: RaftProfile;
  /** The first is the one that is replicated to; nobody uses the others. */
  readonly groups: number;
  /** Where it measures to. @default nowhere */
  readonly telemetry?: MeasuringTo;
}

/** Kept for Prometheus; or given to OpenTelemetry's API, without an SDK. */
export type MeasuringTo = 'prometheus' | 'opentelemetry';

/** What a node is asked to do; it answers each with `done`. */
export type RaftNodeTask =
  /** Keeps so many commands, or reads, in flight. */
  | { readonly type: 'commits' | 'reads'; readonly inFlight: number; readonly seconds: number }
  /** Commits so many commands, keeping so many in flight. */
  | { readonly type: 'commit-count'; readonly inFlight: number; readonly count: number }
  /** Applies all that was committed before. */
  | { readonly type: 'catch-up' }
  /** From now on, proposes a command every few milliseconds, and reports those that are committed. */
  | { readonly type: 'probe'; readonly everyMs: number }
  /** From now on, so many lookups hang. */
  | { readonly type: 'hang-lookups'; readonly count: number }
  | { readonly type: 'release-lookups' }
  | { readonly type: 'usage' };

export interface Usage {
  readonly rssMb: number;
  /** Of user and system together, since the process began. */
  readonly cpuMs: number;
  /** Lookups that were to hang and have an answer. */
  readonly answeredLookups: number;
  /** Groups whose leader is known. */
  readonly ledGroups: number;
}

/** `at`, `proposedAt`: milliseconds of the machine's monotonic clock. */
export type RaftNodeReport =
  | { readonly type: 'ready' }
  | { readonly type: 'role'; readonly leader: string | undefined; readonly term: number }
  | { readonly type: 'committed'; readonly proposedAt: number; readonly at: number }
  | { readonly type: 'done'; readonly task: number; readonly result: unknown }
  | { readonly type: 'failed'; readonly task: number; readonly message: string };
