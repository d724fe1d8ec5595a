import { describe, expect, it } from 'vitest';
import { submitTicket } from '../src/ledger-client.ts';
import { FencingLedger } from '../src/ledger.ts';
import { serveLedger } from '../src/ledger-server.ts';

describe('the ledger', () => {
  it('numbers tickets, and refuses a token lower than it has seen', () => {
    const ledger = new FencingLedger();
    expect(ledger.submit(1n, 'a')).toMatchObject({ type: 'accepted', number: 1 });
    expect(ledger.submit(3n, 'b')).toMatchObject({ type: 'accepted', number: 2 });
    expect(ledger.submit(1n, 'a')).toMatchObject({ type: 'refused', token: 1n, highest: 3n });
    expect(ledger.submit(3n, 'b')).toMatchObject({ type: 'accepted', number: 3 });
  });

  it('is reached over HTTP', async () => {
    const seen: string[] = [];
    await using server = await serveLedger(new FencingLedger(), { host: '127.0.0.1', port: 0 }, ({ type }) =>
      seen.push(type),
    );
    expect(await submitTicket(server.url, 2n ** 60n, 'a')).toEqual({ type: 'accepted', number: 1 });
    expect(await submitTicket(server.url, 7n, 'b')).toEqual({ type: 'refused', highest: 2n ** 60n });
    expect(seen).toEqual(['accepted', 'refused']);
  });

  it.each([
    ['{"token":"1"}', 400],
    ['{"token":1,"node":"a"}', 400],
    ['{"token":"-1","node":"a"}', 400],
    ['not json', 400],
    [`{"token":"1","node":"a","more":"${'x'.repeat(2000)}"}`, 400],
  ])('answers %.40s with %i and numbers nothing', async (body, status) => {
    const ledger = new FencingLedger();
    await using server = await serveLedger(ledger, { host: '127.0.0.1', port: 0 });
    const response = await fetch(`${server.url}/tickets`, { method: 'POST', body });
    expect(response.status).toBe(status);
    expect((await fetch(server.url)).status).toBe(404);
    expect(ledger.submit(1n, 'a')).toMatchObject({ number: 1 });
  });

  it('tells of a ledger that is not there', async () => {
    const server = await serveLedger(new FencingLedger(), { host: '127.0.0.1', port: 0 });
    await server[Symbol.asyncDispose]();
    await expect(submitTicket(server.url, 1n, 'a')).rejects.toThrow('ECONNREFUSED');
  });
});
