import { guardedCall } from './guarded-call.ts';
import { plainText } from './plain-text.ts';

/** How much a line matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/**
 * What Quorate logs through. `console` fits as it is, and so does a pino logger. Messages are single strings;
 * details, where there are any, follow as further arguments. Secrets are never logged. A line that it throws for is lost.
 */
export interface Logger {
  /** For whoever looks for a fault: messages between nodes, steps of protocols. */
  debug(message: string, ...details: unknown[]): void;
  /** What goes as it should and is rare: a node comes, a leader is elected. */
  info(message: string, ...details: unknown[]): void;
  /** What does not go as it should, and is coped with: a server that can't be reached, a peer that speaks wrongly. */
  warn(message: string, ...details: unknown[]): void;
  /** What an operator has to see to: a part takes part no more, a promise can't be kept. */
  error(message: string, ...details: unknown[]): void;
}

/** Whether a value from outside can take log messages. */
export function isLogger(value: unknown): value is Logger {
  if (typeof value !== 'object' || value === null) return false;
  const { debug, info, warn, error } = value as Partial<Record<LogLevel, unknown>>;
  return [debug, info, warn, error].every((method) => typeof method === 'function');
}

/** From which level on lines are logged; `silent` logs none. */
export type LogSink = 'silent' | LogLevel;

const RANK: Readonly<Record<LogSink, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/** No message of the code's own is longer; peers and servers choose parts of some. */
const MAX_MESSAGE_LENGTH = 8192;

/**
 * A logger that passes on messages of at least this level, each behind `prefix`. A message becomes one line, of what can be
 * seen: whoever wrote a part of it must not be able to write lines of its own. What the logger throws, or rejects with, is
 * dropped: it is called from the handlers of sockets and timers, where that would end the process.
 */
export function leveledLogger(logger: Logger, level: LogSink, prefix = ''): Logger {
  const at = (of: LogLevel) =>
    RANK[of] < RANK[level]
      ? () => undefined
      : (message: string, ...details: unknown[]) =>
          guardedCall(() => logger[of](plainText(prefix + message, MAX_MESSAGE_LENGTH), ...details), drop);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Of a log that fails nobody can be told by it. */
const drop = (): void => undefined;

/** The logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A part whose details `QUORATE_DEBUG` (or the option `debug`) switches on, as in `QUORATE_DEBUG=wire,election`. */
export type DebugScope = string;

/** The scopes that are switched on; a set of them is one. */
export interface DebugScopes {
  /** Whether the details of this part are to be logged. */
  has(scope: DebugScope): boolean;
}

export const everyDebugScope: DebugScopes = { has: () => true };

/** What a text of scopes may be. */
export const DEBUG_TEXT: RegExp = /^[\w\s,.:-]*$/u;

/** Splits `wire, election` into its scopes. */
export function parseDebugScopes(text: string | undefined): ReadonlySet<DebugScope> {
  return new Set(
    (text ?? '')
      .split(',')
      .map((scope) => scope.trim())
      .filter((scope) => scope !== ''),
  );
}
