import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Leadership, MonotonicMs } from '@quorate/core';
import { ticketId } from './replicated-ledger.ts';
import { machineNow, type MachineMs, type ReportSink } from './report.ts';
import type { TicketOffice } from './ticket-office.ts';

/** Long beside the time between two tickets, so that a pause falls into it. */
const PRINTING_MS = 60;
const RETRY_MS = 500;

export interface TicketJobOptions {
  readonly office: TicketOffice;
  readonly clock: Clock;
  readonly report: ReportSink;
  /** Ends the job after the ticket that is being printed. */
  readonly signal: AbortSignal;
  /** Ends it without waiting for that either. */
  readonly hurry: AbortSignal;
}

/**
 * The leader-only job: prints tickets, one after the other, and has each numbered, for as long as the grant holds. The
 * grant is checked before a ticket is printed, and printing takes a while: a process that was paused meanwhile wakes up
 * and submits a ticket as if nothing had happened. Its token is what protects the ledger then.
 */
export async function numberTickets(leadership: Leadership, options: TicketJobOptions): Promise<void> {
  for (let serial = 1; leadership.isValid() && !options.signal.aborted; serial += 1) {
    const { clock, report } = options;
    const deadline = toMachineTime(clock, leadership.deadline);
    report({ type: 'printing', at: machineNow(), token: leadership.token, deadline });
    await delay(PRINTING_MS);
    try {
      if (!(await submit(leadership, serial, options))) return;
    } catch (error) {
      if (options.hurry.aborted) return;
      report({ type: 'ledger-failed', at: machineNow(), message: messageOf(error) });
      await delay(RETRY_MS);
    }
  }
}

/** A deadline of the cluster's clock in the machine's time, never earlier than it is. */
export function toMachineTime(clock: Clock, time: MonotonicMs): MachineMs {
  const now = clock.now();
  return machineNow() + (time - now);
}

/** False when it was refused. */
async function submit(
  { token, nodeId: node }: Leadership,
  serial: number,
  options: TicketJobOptions,
): Promise<boolean> {
  const { office, report, hurry } = options;
  const id = ticketId(node, token, serial);
  const verdict = await office.submit({ id, node, token }, hurry);
  const at = machineNow();
  if (verdict.type === 'accepted') report({ type: 'accepted', at, token, id, ticket: verdict.number });
  else report({ type: 'refused', at, token, highest: verdict.highest });
  return verdict.type === 'accepted';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
