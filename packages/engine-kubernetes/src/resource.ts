import { ClusterError } from '@quorate/core';

/** A kind of object, as the paths of the API name it. */
export interface KubernetesResource {
  /** Undefined for the core group: pods, services. */
  readonly group?: string;
  readonly version: string;
  /** In small letters: `endpointslices`. */
  readonly plural: string;
}

/** Which of the objects of a kind. */
export interface Selection {
  readonly namespace: string;
  /** As in `app=web,tier!=front`. */
  readonly labelSelector?: string | undefined;
  /** As in `metadata.name=leader`, which needs no more than permissions for that name. */
  readonly fieldSelector?: string | undefined;
}

/** A name of the API for one object or namespace; what it allows is safe in a path. */
const OBJECT_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/u;

export function isObjectName(value: unknown): value is string {
  return typeof value === 'string' && OBJECT_NAME.test(value);
}

/**
 * The path of a kind's objects in a namespace, or of one of them.
 * @throws ClusterError `INVALID_OPTIONS` for a name that the API can't know
 */
export function resourcePath({ group, version, plural }: KubernetesResource, namespace: string, name?: string): string {
  for (const part of name === undefined ? [namespace] : [namespace, name]) {
    if (!isObjectName(part)) {
      throw new ClusterError('INVALID_OPTIONS', `kubernetes: ${JSON.stringify(part)} is no name of an object`);
    }
  }
  const root = group === undefined ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}/namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
}

/** `endpointslices.discovery.k8s.io`, as in roles and in the server's own messages. */
export function resourceName({ group, plural }: KubernetesResource): string {
  return group === undefined ? plural : `${plural}.${group}`;
}
