import { ClusterError } from '@quorate/core';

import { isRecord, type KubernetesObject, quote } from '../object.ts';
import type { KubernetesResource } from '../resource.ts';

export const LEASES: KubernetesResource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
/** Whose token it is and the token, so that it says nothing of another holder that leaves it there. */
const TOKEN_ANNOTATION = 'quorate/fencing-token';

/** What a Lease object says, as client-go understands it. */
export interface LeaseRecord {
  readonly version: bigint;
  /** Of the object: one that was deleted and made again is another. */
  readonly uid: string;
  /** Undefined when nobody holds it. */
  readonly holder: string | undefined;
  /** How long the holder may be taken to hold it after each sign of life. Undefined where it doesn't say. */
  readonly durationMs: number | undefined;
  /** Differs after each write by a holder: the sign of life. */
  readonly sign: string;
  /** Differs between two holders, and two times that one of them has got it. */
  readonly tenure: string;
  /** Whether its last holder gave it back, knowing that nobody else could still take it to be its own. */
  readonly released: boolean;
  readonly renewTime: string | undefined;
  readonly transitions: number;
  /** Of its holder, where the holder has noted it. */
  readonly token: bigint | undefined;
}

/** What a release leaves behind, which is one second with client-go; nobody may hold a Lease for as short as that. */
export const RELEASED_SECONDS = 1;
const MAX_INT32 = 2 ** 31 - 1;
const MAX_HOLDER = 1024;
const DECIMAL = /^\d{1,38}$/u;

/**
 * A resource version as a number. That it is one, and grows with every write, is what tokens stand on.
 * @throws ClusterError `PROTOCOL`
 */
export function readVersion(resourceVersion: unknown): bigint {
  if (typeof resourceVersion === 'string' && DECIMAL.test(resourceVersion)) return BigInt(resourceVersion);
  const message = `kubernetes: the resource version ${quote(resourceVersion)} is no number, so it can't be a fencing token`;
  throw new ClusterError('PROTOCOL', message);
}

/** @throws ClusterError `PROTOCOL` for a resource version that is no number; all else that is odd counts as absent */
export function readLease({ metadata, spec }: KubernetesObject): LeaseRecord {
  const fields = isRecord(spec) ? spec : {};
  const { leaseDurationSeconds: seconds, acquireTime, renewTime, leaseTransitions } = fields;
  const holder = textOf(fields['holderIdentity'])?.slice(0, MAX_HOLDER);
  const durationMs = isCount(seconds) && seconds > 0 ? seconds * 1000 : undefined;
  return {
    version: readVersion(metadata.resourceVersion),
    uid: textOf(metadata['uid']) ?? '',
    holder,
    durationMs,
    sign: signOf({ metadata, spec }),
    tenure: JSON.stringify([holder, acquireTime, leaseTransitions]),
    released: holder === undefined && durationMs !== undefined && durationMs <= RELEASED_SECONDS * 1000,
    renewTime: textOf(renewTime),
    transitions: isCount(leaseTransitions) ? leaseTransitions : 0,
    token: holder === undefined ? undefined : tokenOf(metadata['annotations'], holder),
  };
}

/** Of an object that is to be written: as `readLease` gives it of what is stored then. */
export function signOf({ spec }: KubernetesObject): string {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = recordOf(spec);
  const holder = textOf(holderIdentity)?.slice(0, MAX_HOLDER);
  return JSON.stringify([holder, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions]);
}

export interface LeaseFields {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly renewTime: string;
  readonly acquireTime?: string;
  readonly leaseTransitions?: number;
}

/**
 * The object with these fields in the place of its own. All that it says beyond, of whatever origin, stays as it was, but
 * for the note of a token.
 */
export function withLease(object: KubernetesObject, fields: LeaseFields, token: bigint | undefined): KubernetesObject {
  const { [TOKEN_ANNOTATION]: _, ...others } = recordOf(object.metadata['annotations']);
  const noted = token === undefined ? others : { ...others, [TOKEN_ANNOTATION]: `${token} ${fields.holderIdentity}` };
  const spec = { ...recordOf(object['spec']), ...fields };
  return { ...object, metadata: { ...object.metadata, annotations: noted }, spec };
}

/** One that there isn't yet. */
export function newLease(name: string): KubernetesObject {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name } };
}

/** One more change of holder, within what the API can count. */
export function nextTransitions(record: LeaseRecord | undefined): number {
  return record === undefined ? 0 : Math.min(record.transitions + 1, MAX_INT32);
}

function tokenOf(annotations: unknown, holder: string): bigint | undefined {
  const [, digits = '', whose] = /^(\d+) (.*)$/su.exec(textOf(recordOf(annotations)[TOKEN_ANNOTATION]) ?? '') ?? [];
  return whose === holder && DECIMAL.test(digits) ? BigInt(digits) : undefined;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INT32;
}
