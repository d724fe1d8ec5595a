/**
 * @packageDocumentation
 *
 * The real machine: the one place of Quorate that touches the system's clock, chance, network and disk.
 */
import type { Logger } from '../logger.ts';
import { checkOptions, rule } from '../option-rules.ts';
import type { System } from '../system.ts';
import { systemClock } from './clock.ts';
import { FileDisk } from './disk.ts';
import { SystemNet } from './net.ts';
import { CryptoRandom } from './random.ts';

export interface NodeSystemOptions {
  /**
   * Takes what the node and its parts report.
   * @default console
   */
  readonly logger?: Logger;
}

/**
 * The machine this process runs on.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function nodeSystem(options: NodeSystemOptions = {}): System {
  const { logger = console } = checkOptions<NodeSystemOptions>('nodeSystem', { logger: loggerRule }, options);
  return {
    clock: systemClock(),
    random: new CryptoRandom(),
    net: new SystemNet(logger),
    disk: new FileDisk(),
    logger,
  };
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const loggerRule = rule.value<Logger>(
  'a logger with debug, info, warn and error',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    LEVELS.every((level) => typeof (value as Record<string, unknown>)[level] === 'function'),
);
