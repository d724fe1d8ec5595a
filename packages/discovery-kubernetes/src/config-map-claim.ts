import { type CallOptions, ClusterError, invalidOption, isClusterError } from '@quorate/core';
import { isRecord, type KubernetesClient, type KubernetesObject, statusOf } from '@quorate/engine-kubernetes';

const CONFIG_MAPS = { version: 'v1', plural: 'configmaps' };
const MAX_CLAIM_BYTES: number = 16 * 1024;
const FIELD = 'claim';

/** Creates the config map if there is none, and tells what it holds: the API server lets one of several create it. */
export async function claimConfigMap(
  client: KubernetesClient,
  namespace: string,
  name: string,
  value: Uint8Array | undefined,
  options: CallOptions,
): Promise<Uint8Array | undefined> {
  if (value !== undefined && value.length > MAX_CLAIM_BYTES) {
    throw invalidOption('claim', 'value', `at most ${MAX_CLAIM_BYTES} bytes`, value.length);
  }
  const known = await read(client, namespace, name, options);
  if (known !== undefined || value === undefined) return known;
  const content = { binaryData: { [FIELD]: encode(value) }, immutable: true };
  const map: KubernetesObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...content };
  try {
    return valueOf(await client.create(CONFIG_MAPS, namespace, map, options));
  } catch (error) {
    if (statusOf(error)?.reason !== 'AlreadyExists') throw error;
    return read(client, namespace, name, options);
  }
}

async function read(
  client: KubernetesClient,
  namespace: string,
  name: string,
  options: CallOptions,
): Promise<Uint8Array | undefined> {
  try {
    return valueOf(await client.get(CONFIG_MAPS, namespace, name, options));
  } catch (error) {
    if (isClusterError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

function valueOf({ metadata, binaryData }: KubernetesObject): Uint8Array {
  const text = isRecord(binaryData) ? binaryData[FIELD] : undefined;
  try {
    if (typeof text === 'string') return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    // Of no bytes, which the server may leave out.
    if (binaryData === undefined) return new Uint8Array();
  } catch {
    // Told below.
  }
  throw new ClusterError('PROTOCOL', `kubernetes: the config map ${metadata.name} holds no claim of a cluster`);
}

function encode(value: Uint8Array): string {
  return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(''));
}
