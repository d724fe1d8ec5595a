import { type CallOptions, ClusterError, invalidOption, isClusterError } from '@quorate/core';
import type { ConsulClient } from '@quorate/engine-consul';

const MAX_CLAIM_BYTES: number = 16 * 1024;

/** Creates the key if there is none, and tells what is there: by Consul's check-and-set, read from its leader. */
export async function claimKey(
  client: ConsulClient,
  key: readonly string[],
  value: Uint8Array | undefined,
  options: CallOptions,
): Promise<Uint8Array | undefined> {
  if (value !== undefined && value.length > MAX_CLAIM_BYTES) {
    throw invalidOption('claim', 'value', `at most ${MAX_CLAIM_BYTES} bytes`, value.length);
  }
  const known = await readKey(client, key, options);
  if (known !== undefined || value === undefined) return known;
  await client.put(['kv', ...key], value, { ...options, query: { cas: 0 } });
  // Whether it was this value or another's that came first.
  return await readKey(client, key, options);
}

async function readKey(
  client: ConsulClient,
  key: readonly string[],
  options: CallOptions,
): Promise<Uint8Array | undefined> {
  try {
    const { body } = await client.get(['kv', ...key], { ...options, query: { consistent: true } });
    return readValue(body);
  } catch (error) {
    if (isClusterError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

function readValue(body: unknown): Uint8Array {
  const value: unknown = Array.isArray(body) ? (body as { readonly Value?: unknown }[])[0]?.Value : undefined;
  try {
    // A key without a value has null.
    if (value === null) return new Uint8Array();
    if (typeof value === 'string') return Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  } catch {
    // Told below.
  }
  throw new ClusterError('PROTOCOL', 'consul: the answer about a key has no value in it');
}
