import { formatNode } from './cluster-node.ts';
import type { Logger } from './logger.ts';
import type { MembershipChange } from './membership.ts';

/** Who came, went and failed, for the log: that is where an operator looks, whatever the program listens to. */
export function logMember(logger: Logger, change: MembershipChange): void {
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
