import { isClusterError } from '@quorate/core';
import { expect, it } from 'vitest';

import { followObjects, isExpired } from '../src/index.ts';
import { HERE, json, play, SLICES, text } from './scripted-http.ts';

const LIST = json(200, { metadata: { resourceVersion: '7' }, items: [] });
const CHANGE = { type: 'MODIFIED', object: { metadata: { name: 'a', resourceVersion: '8' } } };
const EXPIRED = { type: 'ERROR', object: { code: 410, reason: 'Expired' } };

it.each([
  ['at once', [EXPIRED]],
  ['after a change each time', [CHANGE, EXPIRED]],
])('a server that forgets the version of a fresh list %s is not asked without a pause', async (_, events) => {
  const watch = text(200, events.map((event) => `${JSON.stringify(event)}\n`).join(''), 1000);
  await play(Array.from({ length: 20 }, () => [LIST, watch]).flat(), async ({ client, requests }) => {
    const follower = { listed: () => undefined, changed: () => undefined, confirmed: () => undefined };
    const { signal } = new AbortController();
    const following = followObjects(client, SLICES, HERE, follower, { signal });
    await expect(following).rejects.toSatisfy((error) => isClusterError(error) && isExpired(error));
    expect(requests).toHaveLength(4);
  });
});
