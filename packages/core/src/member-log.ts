import type { Clock, MonotonicMs } from './clock.ts';
import { formatNode } from './cluster-node.ts';
import type { Logger } from './logger.ts';
import type { MembershipChange } from './membership.ts';

/** Strangers, where they are let in, can come and go as often as they like. */
const MAX_LINES = 100;
const WINDOW_MS = 10_000;

/** Who came, went and failed, for the log: that is where an operator looks, whatever the program listens to. */
export class MemberLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #beganAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  #lines = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  tell(change: MembershipChange): void {
    const now = this.#clock.now();
    if (now >= this.#beganAt + WINDOW_MS) [this.#beganAt, this.#lines] = [now, 0];
    this.#lines += 1;
    if (this.#lines <= MAX_LINES) logMember(this.#logger, change);
    else if (this.#lines === MAX_LINES + 1)
      this.#logger.warn(
        `more than ${MAX_LINES} members came, went or changed within ${WINDOW_MS} ms: the rest is not logged`,
      );
  }
}

function logMember(logger: Logger, change: MembershipChange): void {
  const who = formatNode(change.member.node);
  switch (change.type) {
    case 'joined':
      return logger.info(`${who} is here`);
    case 'updated':
      return logger.debug(`${who} is well, or describes itself anew`);
    case 'suspected':
      return logger.debug(`${who} does not answer: ${change.reason}`);
    case 'failed':
      return logger.warn(`${who} failed: ${change.reason}`);
    case 'left':
      return logger.info(`${who} left: ${change.reason}`);
  }
}
