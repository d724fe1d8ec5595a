/**
 * @packageDocumentation
 *
 * The real machine: the one place of Quorate that touches the system's clock, chance, network and disk.
 */
import { crc32 } from 'node:zlib';
import { DEBUG_TEXT, isLogger, leveledLogger, type Logger, parseDebugScopes } from '../logger.ts';
import { checkOptions, type OptionRules, rule } from '../option-rules.ts';
import type { System } from '../system.ts';
import { systemClock } from './clock.ts';
import { systemCrypto } from './crypto.ts';
import { FileDisk } from './disk.ts';
import { SystemNet } from './net.ts';
import { CryptoRandom } from './random.ts';

export { systemCrypto } from './crypto.ts';

/** What the real machine is told. */
export interface NodeSystemOptions {
  /**
   * Takes what the node and its parts report.
   * @default console
   */
  readonly logger?: Logger;
  /**
   * Parts that log their details in clusters that don't say, separated by commas: `wire,election`.
   * @default the environment variable `QUORATE_DEBUG`
   */
  readonly debug?: string;
}

/**
 * The machine this process runs on.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function nodeSystem(options: NodeSystemOptions = {}): System {
  const { logger = console, debug = process.env['QUORATE_DEBUG'] } = checkOptions('nodeSystem', rules, options);
  const guarded = leveledLogger(logger, 'debug');
  return {
    clock: systemClock(),
    random: new CryptoRandom(),
    net: new SystemNet(guarded),
    disk: new FileDisk(),
    crypto: systemCrypto,
    crc32,
    logger: guarded,
    debug: parseDebugScopes(debug),
  };
}

const rules: OptionRules<NodeSystemOptions> = {
  logger: rule.value('a logger with debug, info, warn and error', isLogger),
  debug: rule.text('names separated by commas, such as "wire,election"', (text) => DEBUG_TEXT.test(text)),
};
