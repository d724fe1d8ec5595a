import type { Net } from '@quorate/core';

import type { Engine } from './engine.ts';
import type { SimulatedHost } from './host.ts';
import type { SimulatedProcess } from './process.ts';

/** What a host needs of its world. */
export interface Surroundings {
  readonly engine: Engine;
  net(host: SimulatedHost, process: SimulatedProcess): Net;
  /** The host's process has just died. */
  crashed(host: SimulatedHost): void;
}
