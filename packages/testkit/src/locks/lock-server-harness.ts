import type { System } from '@quorate/core';

import type { LockHarness } from './lock-fixture.ts';

/** How to test locks that a server keeps. */
export interface LockServerHarness extends LockHarness {
  readonly system: System;
  /** The server's process. */
  readonly server: LockServer;
  /**
   * Takes a lock in a process of its own, among those that the last call of `create` made, and looks at it all the time.
   * It need not have begun when it is returned.
   */
  readonly holder: (name: string, ttlMs: number) => LockProcess;
  /** Nanoseconds of a clock that all processes of the machine share, as `process.hrtime.bigint()`. */
  readonly now: () => bigint;
}

/** The server of a lock backend, in the hands of a test. */
export interface LockServer {
  /** At once, as by SIGKILL. */
  kill(): Promise<void>;
  /** On the data that it had. Resolves when it answers. */
  start(): Promise<void>;
  /** It keeps its connections and answers nothing, as by SIGSTOP. Without effect while it stands still. */
  pause(): void;
  /** Without effect unless it was paused. */
  resume(): void;
}

/** One look of a process at its own lock. */
export interface LockLook {
  /** When it began to look, by the clock of `now`. */
  readonly at: bigint;
  readonly token: bigint;
  readonly isValid: boolean;
  /** Whether its signal has aborted. */
  readonly isAborted: boolean;
}

/** A process that holds a lock. Disposing of it kills it. */
export interface LockProcess extends AsyncDisposable {
  /** All that it told of so far. */
  readonly looks: readonly LockLook[];
  kill(): void;
  pause(): void;
  resume(): void;
}
