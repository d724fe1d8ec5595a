import { request } from 'node:http';
import type { NodeId } from '@quorate/core';
import type { CoordinationCommand, CoordinationResult } from '@quorate/coordination';
import type { LedgerVerdict } from './ticket-office.ts';

const TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 1024;

/**
 * Submits one ticket. Each on a connection of its own: one kept open would be dead after a long pause of the process,
 * and the ticket lost instead of judged.
 */
export async function submitTicket(ledgerUrl: string, token: bigint, node: NodeId): Promise<LedgerVerdict> {
  const { status, body } = await post(new URL('/tickets', ledgerUrl), { token: String(token), node });
  const { number, highest, error } = JSON.parse(body) as { number?: number; highest?: string; error?: string };
  if (status === 201 && number !== undefined) return { type: 'accepted', number };
  if (status === 409 && highest !== undefined) return { type: 'refused', highest: BigInt(highest) };
  throw new Error(`the ledger answered ${status}: ${error ?? 'nothing that was understood'}`);
}

/** Has a slot claimed, or what else comes with one. */
export async function claimSlot(ledgerUrl: string, command: CoordinationCommand): Promise<CoordinationResult> {
  const { status, body } = await post(new URL('/slots', ledgerUrl), command);
  if (status === 200) return JSON.parse(body) as CoordinationResult;
  throw new Error(`the ledger answered ${status}`);
}

function post(url: URL, value: object): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent: false, timeout: TIMEOUT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(value));
  });
}
