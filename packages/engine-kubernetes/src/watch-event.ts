import { ClusterError, parseJson } from '@quorate/core';

import { isRecord, type KubernetesObject, quote } from './object.ts';
import { readStatus, statusError } from './status.ts';

/** A change of an object that is watched, or the news that there was none up to a version. */
export type WatchEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
      readonly object: KubernetesObject;
      readonly resourceVersion: string;
    }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/**
 * Reads a line of a watch.
 * @throws ClusterError `PROTOCOL` for anything that isn't an event; for an event that tells of an error, that error, as
 * though the request had been answered with it
 */
export function readWatchEvent(line: string, what: string): WatchEvent {
  const event = parse(line, what);
  const type = isRecord(event) ? event['type'] : undefined;
  const object = isRecord(event) ? event['object'] : undefined;
  if (type === 'ERROR') throw statusError(readStatus(object, 500), what, false);
  const metadata = isRecord(object) ? object['metadata'] : undefined;
  const { name, resourceVersion } = isRecord(metadata) ? metadata : {};
  if (typeof resourceVersion === 'string' && resourceVersion !== '') {
    if (type === 'BOOKMARK') return { type, resourceVersion };
    if ((type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') && typeof name === 'string' && name !== '') {
      return { type, object: object as KubernetesObject, resourceVersion };
    }
  }
  throw new ClusterError('PROTOCOL', `kubernetes: ${what}: expected an event of a watch, got ${quote(event)}`);
}

function parse(line: string, what: string): unknown {
  try {
    return parseJson(line);
  } catch {
    throw new ClusterError('PROTOCOL', `kubernetes: ${what}: expected an event of a watch, got ${quote(line)}`);
  }
}
