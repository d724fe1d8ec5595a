import { type Logger as ApiLogger, type LoggerProvider, logs, SeverityNumber } from '@opentelemetry/api';
import { checkOptions, isLogger, type Logger, type LogLevel, rule } from '@quorate/core';

/** What `openTelemetryLogger` is told. */
export interface OpenTelemetryLoggerOptions {
  /**
   * Gets every line, too: `console`, say.
   * @default none
   */
  readonly also?: Logger;
  /** @default the global one of `@opentelemetry/api` */
  readonly loggerProvider?: LoggerProvider;
}

const SEVERITIES: Readonly<Record<LogLevel, SeverityNumber>> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

/**
 * A logger whose lines become records of OpenTelemetry, with the active span: `createCluster({ logger: openTelemetryLogger() })`.
 * An error among the details is told as the record's exception.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function openTelemetryLogger(options: OpenTelemetryLoggerOptions = {}): Logger {
  const rules = {
    also: rule.value<Logger>('a logger with debug, info, warn and error, such as console', isLogger),
    loggerProvider: rule.value<LoggerProvider>('a LoggerProvider', isProvider),
  };
  const checked = checkOptions<OpenTelemetryLoggerOptions>('openTelemetryLogger', rules, options);
  const { also, loggerProvider = logs.getLoggerProvider() } = checked;
  const logger = loggerProvider.getLogger('@quorate/telemetry');
  const at = (level: LogLevel) => {
    return (message: string, ...details: unknown[]): void => {
      emit(logger, level, message, details);
      also?.[level](message, ...details);
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function emit(logger: ApiLogger, level: LogLevel, message: string, details: readonly unknown[]): void {
  const error = details.find((detail) => detail instanceof Error);
  const attributes: Record<string, string> = {};
  if (error !== undefined) {
    attributes['exception.type'] = error.name;
    attributes['exception.message'] = error.message;
    if (error.stack !== undefined) attributes['exception.stacktrace'] = error.stack;
  }
  logger.emit({ severityNumber: SEVERITIES[level], severityText: level.toUpperCase(), body: message, attributes });
}

function isProvider(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'getLogger') === 'function';
}
