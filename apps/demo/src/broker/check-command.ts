import type { Command, NewMessage, QueueOptions } from './commands.ts';
import { type BrokerLimits, NAME_PATTERN } from './limits.ts';

const MAX_DELIVERIES = 1_000_000;

/** Why a command could never be taken, whatever the state is; undefined when nothing speaks against it. */
export function flawOf(command: Command, limits: BrokerLimits): string | undefined {
  switch (command.type) {
    case 'create-queue':
      return nameFlaw('queue', command.queue) ?? optionsFlaw(command.queue, command.options, limits);
    case 'delete-queue':
      return nameFlaw('queue', command.queue);
    case 'purge-queue':
      return queueFlaw(command.queue);
    case 'create-topic':
    case 'delete-topic':
      return nameFlaw('topic', command.topic);
    case 'subscribe':
      return subscriptionFlaw(command) ?? optionsFlaw(undefined, command.options, limits);
    case 'unsubscribe':
      return subscriptionFlaw(command);
    case 'publish':
      return nameFlaw('queue', command.queue) ?? batchFlaw('messages', command.messages.length, limits);
    case 'publish-to-topic':
      return nameFlaw('topic', command.topic) ?? batchFlaw('messages', command.messages.length, limits);
    case 'receive':
      return (
        queueFlaw(command.queue) ??
        batchFlaw('messages to be handed out', command.max, limits) ??
        durationFlaw('visibilityMs', command.visibilityMs ?? 1, 1, limits)
      );
    case 'acknowledge':
      return queueFlaw(command.queue) ?? batchFlaw('receipts', command.receipts.length, limits);
    case 'reject':
      return (
        queueFlaw(command.queue) ??
        batchFlaw('receipts', command.receipts.length, limits) ??
        durationFlaw('delayMs', command.delayMs, 0, limits)
      );
    case 'extend':
      return (
        queueFlaw(command.queue) ??
        batchFlaw('receipts', command.receipts.length, limits) ??
        durationFlaw('visibilityMs', command.visibilityMs, 1, limits)
      );
    case 'housekeeping':
      return undefined;
  }
}

/** Why a message could never be accepted by a queue of its own, or by a topic: where the subscriptions differ. */
export function messageFlaw(
  message: NewMessage,
  limits: BrokerLimits,
  kind: 'fifo' | 'plain' | 'topic',
): string | undefined {
  const { id, body, key, priority = 4, delayMs = 0, headers } = message;
  if (id.length === 0 || id.length > limits.idLength) return `an id has 1 to ${limits.idLength} characters`;
  if (body.length > limits.bodyBytes) return `a body has at most ${limits.bodyBytes} bytes, that of ${id} more`;
  if (!isInteger(priority, 0, 9)) return `a priority is 0 to 9, that of ${id} is ${priority}`;
  if (key !== undefined && key.length > limits.keyLength) return `a key has at most ${limits.keyLength} characters`;
  if (kind === 'plain' && key !== undefined) return 'a key is for fifo queues';
  if (kind === 'fifo' && (message.priority !== undefined || delayMs > 0)) {
    return 'fifo queues have neither priorities nor delays';
  }
  return durationFlaw('delayMs', delayMs, 0, limits) ?? (headers && headersFlaw(headers, limits));
}

function headersFlaw(headers: Readonly<Record<string, string>>, limits: BrokerLimits): string | undefined {
  const entries = Object.entries(headers);
  if (entries.length > limits.headers) return `a message has at most ${limits.headers} headers`;
  const length = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return length > limits.headerLength ? `headers have at most ${limits.headerLength} characters in all` : undefined;
}

function optionsFlaw(name: string | undefined, options: QueueOptions, limits: BrokerLimits): string | undefined {
  const { deadLetterQueue, deduplicationMs, maxDeliveries, maxMessages, visibilityMs } = options;
  if (!isInteger(maxDeliveries, 1, MAX_DELIVERIES)) return `maxDeliveries is 1 to ${MAX_DELIVERIES}`;
  if (!isInteger(maxMessages, 1, limits.messages)) return `maxMessages is 1 to ${limits.messages}`;
  if (deadLetterQueue !== undefined && deadLetterQueue === name) return 'a queue is not its own dead letters';
  return (
    durationFlaw('visibilityMs', visibilityMs, 1, limits) ??
    durationFlaw('deduplicationMs', deduplicationMs, 0, limits) ??
    (deadLetterQueue === undefined ? undefined : nameFlaw('deadLetterQueue', deadLetterQueue))
  );
}

function subscriptionFlaw(command: { readonly topic: string; readonly subscription: string }): string | undefined {
  return nameFlaw('topic', command.topic) ?? nameFlaw('subscription', command.subscription);
}

/** Of a queue or a subscription. */
function queueFlaw(name: string): string | undefined {
  const parts = name.split(':');
  const flaw = parts.length > 2 ? 'a name has at most one colon' : undefined;
  return (
    flaw ??
    nameFlaw('queue', parts[0] ?? '') ??
    (parts[1] === undefined ? undefined : nameFlaw('subscription', parts[1]))
  );
}

function nameFlaw(what: string, name: string): string | undefined {
  return NAME_PATTERN.test(name) ? undefined : `${what}: 1 to 100 letters, digits, dots, dashes and underscores`;
}

function batchFlaw(what: string, count: number, { batch }: BrokerLimits): string | undefined {
  return isInteger(count, 1, batch) ? undefined : `${what}: 1 to ${batch} at a time`;
}

function durationFlaw(what: string, value: number, min: number, { delayMs }: BrokerLimits): string | undefined {
  return isInteger(value, min, delayMs) ? undefined : `${what} is ${min} to ${delayMs} milliseconds`;
}

function isInteger(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
