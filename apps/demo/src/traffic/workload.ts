import type { AuditedQueue } from '../audit/observations.ts';
import type { QueueName } from '../broker/commands.ts';

/** So that what a consumer took with it comes again while somebody watches. */
const VISIBILITY_MS = 2_000;
/** Of what is rejected again and again. */
const MAX_DELIVERIES = 5;
/** Of all others: no accident is to make a dead letter of them. */
const NEVER = 1_000;

export const ORDERS: QueueName = 'orders';
export const DEAD_ORDERS: QueueName = 'orders-dead';
export const INVOICES: QueueName = 'invoices';
export const REMINDERS: QueueName = 'reminders';
export const EVENTS = 'events';
export const SUBSCRIPTIONS: readonly string[] = ['mail', 'statistics'];

/** Of one key, invoices come in order. */
export const INVOICE_KEYS: readonly string[] = ['north', 'east', 'south', 'west'];

const plain = { fifo: false, visibilityMs: VISIBILITY_MS, maxDeliveries: NEVER };

/** What the demo's traffic goes through, with what is to be kept of it. */
export const WORKLOAD: readonly AuditedQueue[] = [
  { name: DEAD_ORDERS, ...plain },
  { name: ORDERS, ...plain, maxDeliveries: MAX_DELIVERIES, deadLetterQueue: DEAD_ORDERS },
  { name: INVOICES, ...plain, fifo: true },
  { name: REMINDERS, ...plain },
  ...SUBSCRIPTIONS.map((subscription) => ({ name: subscriptionQueue(subscription), ...plain })),
];

export function subscriptionQueue(subscription: string): QueueName {
  return `${EVENTS}:${subscription}`;
}
