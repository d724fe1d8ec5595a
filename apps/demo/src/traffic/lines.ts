import type { Draft, Line } from './producer.ts';
import { EVENTS, INVOICE_KEYS, INVOICES, ORDERS, REMINDERS, subscriptionQueue, SUBSCRIPTIONS } from './workload.ts';

/** One order in so many is one that nobody can carry out. */
const POISON = 60;
const REMINDERS_A_TIME = 3;
const DELAY_STEP_MS = 150;
const POISONED = 'impossible ';
const BODY = 'x'.repeat(200);

/** What the demo's producers publish. @param run what ids begin with: those of two runs differ */
export function linesOf(run: string): readonly Line[] {
  return [orders(`${run}-o1`), orders(`${run}-o2`), invoices(`${run}-i`), reminders(`${run}-r`), events(`${run}-e`)];
}

function orders(prefix: string): Line {
  return {
    path: `/v1/queues/${ORDERS}/messages`,
    queues: [ORDERS],
    draft: (number) => [
      draft(`${prefix}-${number}a`, number % POISON === POISON - 1 ? { isPoison: true } : {}),
      draft(`${prefix}-${number}b`, {}),
    ],
  };
}

/** Of clients that try whether they are served. */
export function probes(run: string): Line {
  return {
    path: `/v1/queues/${ORDERS}/messages`,
    queues: [ORDERS],
    draft: (number) => [draft(`${run}-p-${number}`, {})],
  };
}

function invoices(prefix: string): Line {
  return {
    path: `/v1/queues/${INVOICES}/messages`,
    queues: [INVOICES],
    draft: (number) => INVOICE_KEYS.map((key) => draft(`${prefix}-${key}-${number}`, { key })),
  };
}

/** With delays and priorities. */
function reminders(prefix: string): Line {
  return {
    path: `/v1/queues/${REMINDERS}/messages`,
    queues: [REMINDERS],
    draft: (number) =>
      Array.from({ length: REMINDERS_A_TIME }, (_, at) =>
        draft(`${prefix}-${number}-${at}`, { delayMs: at * DELAY_STEP_MS, priority: (number + at) % 10 }),
      ),
  };
}

function events(prefix: string): Line {
  return {
    path: `/v1/topics/${EVENTS}/messages`,
    queues: SUBSCRIPTIONS.map(subscriptionQueue),
    draft: (number) => [draft(`${prefix}-${number}`, {})],
  };
}

/** Each has a body that no other has. */
function draft(id: string, rest: Partial<Draft>): Draft {
  return { id, body: `${rest.isPoison === true ? POISONED : ''}${id} ${BODY}`, ...rest };
}

/** Of a body that nobody can make anything of. */
export function isPoison(body: string): boolean {
  return body.startsWith(POISONED);
}
