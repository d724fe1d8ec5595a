import { expect, it } from 'vitest';
import { OperationsClient } from '../src/client.ts';

it('asks no node for more members that tells of the same ones again and again', async () => {
  let asked = 0;
  const answer = { members: [{ nodeId: 'a' }, { nodeId: 'b' }], hasMore: true };
  const request = (): Promise<Uint8Array> => {
    asked += 1;
    if (asked > 10) return Promise.reject(new Error('asked again and again'));
    return Promise.resolve(new TextEncoder().encode(JSON.stringify(answer)));
  };
  await expect(new OperationsClient({ request }).members()).rejects.toMatchObject({ code: 'PROTOCOL' });
  expect(asked).toBe(2);
});
