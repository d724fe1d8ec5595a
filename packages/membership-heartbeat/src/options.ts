import { checkOptions, rule } from '@quorate/core';
import { type FailureDetectorFactory, phiAccrual } from '@quorate/failure-detector';

/** What `heartbeatMembership` is told. */
export interface HeartbeatMembershipOptions {
  /**
   * How often each node sends to every other; the same on all of them.
   * @default 1000
   */
  readonly intervalMs?: number;
  /**
   * Judges the others, each by a detector of its own.
   * @default phiAccrual({ firstEstimateMs: intervalMs })
   */
  readonly detector?: FailureDetectorFactory;
  /**
   * How long a member may be `suspect` before it counts as `unreachable`.
   * @default five times `intervalMs`
   */
  readonly unreachableAfterMs?: number;
  /**
   * The most by which a member is waited for longer that says of itself that its event loop is late.
   * @default twice `intervalMs`
   */
  readonly maxLoopDelayMs?: number;
  /**
   * How long a node that left or is unreachable stays in the view. It is dropped with the next change after that.
   * @default 3600000
   */
  readonly forgetAfterMs?: number;
  /**
   * How long `leave` waits for a majority of the others to acknowledge it.
   * @default 5000
   */
  readonly leaveTimeoutMs?: number;
}

const DAY_MS = 86_400_000;

const rules = {
  intervalMs: rule.duration({ min: 10, max: 3_600_000 }),
  detector: rule.value<FailureDetectorFactory>('a function that makes a detector', (it) => typeof it === 'function'),
  unreachableAfterMs: rule.duration({ min: 0, max: DAY_MS }),
  maxLoopDelayMs: rule.duration({ min: 0, max: DAY_MS }),
  forgetAfterMs: rule.duration({ min: 0, max: 365 * DAY_MS }),
  leaveTimeoutMs: rule.duration({ min: 0, max: DAY_MS }),
};

export type SettledOptions = Required<HeartbeatMembershipOptions>;

/** @throws ClusterError `INVALID_OPTIONS` */
export function settleOptions(options: HeartbeatMembershipOptions): SettledOptions {
  const checked = checkOptions<HeartbeatMembershipOptions>('heartbeatMembership', rules, options);
  const { intervalMs = 1_000 } = checked;
  return {
    intervalMs,
    detector: checked.detector ?? phiAccrual({ firstEstimateMs: intervalMs }),
    unreachableAfterMs: checked.unreachableAfterMs ?? 5 * intervalMs,
    maxLoopDelayMs: checked.maxLoopDelayMs ?? 2 * intervalMs,
    forgetAfterMs: checked.forgetAfterMs ?? 3_600_000,
    leaveTimeoutMs: checked.leaveTimeoutMs ?? 5_000,
  };
}
