import type { Clock } from './clock.ts';
import type { Crc32 } from './crc32.ts';
import type { Crypto } from './crypto.ts';
import type { Disk } from './disk.ts';
import type { DebugScopes, Logger } from './logger.ts';
import type { Net } from './net.ts';
import type { Random } from './random.ts';
import type { Telemetry } from './telemetry.ts';

/**
 * Everything a node takes from the machine it runs on. `@quorate/core/node` gives the real one, `@quorate/simulator`
 * a seeded one; no other code touches either.
 */
export interface System {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: Net;
  readonly disk: Disk;
  readonly crypto: Crypto;
  readonly logger: Logger;
  /** A quicker one than that of this package. */
  readonly crc32?: Crc32;
  /** What to log in detail in clusters that don't say. */
  readonly debug?: DebugScopes;
  /** Where measurements and traces go, in clusters that don't say; `telemetryOf` gives one in any case. */
  readonly telemetry?: Telemetry;
}
