import { type CallOptions, checkOptions, ClusterError, isClusterError, type OptionRules, rule } from '@quorate/core';

import type { KubernetesClient } from './client.ts';
import { objectNamePart } from './lease/object-name.ts';
import { isRecord, type KubernetesObject } from './object.ts';
import { isObjectName } from './resource.ts';
import { statusOf } from './status.ts';

/** The calls of a client that records take. */
type RecordCalls = Pick<KubernetesClient, 'namespace' | 'get' | 'create' | 'update'>;

/** Where records are kept in Kubernetes. */
export interface KubernetesRecordsOptions {
  /**
   * The namespace of the config maps.
   * @default that of the credentials: in a pod, its own
   */
  readonly namespace?: string;
  /**
   * What the names of the config maps begin with: this and a record's name, in which anything but small letters, digits and
   * hyphens is escaped; 253 characters in all.
   * @default 'quorate-task-'
   */
  readonly prefix?: string;
}

/** A record as it was in one version of its config map. */
export interface KubernetesRecord {
  readonly value: Uint8Array;
  /** The resource version of the config map. */
  readonly version: string;
}

/**
 * Small records as config maps, each written on the condition that nobody has written it since it was read: what
 * `recordClaims` of `@quorate/coordination` keeps claims in. It takes the permissions to get and update them, and to create
 * those that nobody has made beforehand; none is deleted. Calls reject as those of the client do, which stays its
 * owner's to dispose of.
 */
export interface KubernetesRecords {
  /** As a majority of the server's store knows it; undefined also for a config map without one. */
  read(name: string, options?: CallOptions): Promise<KubernetesRecord | undefined>;
  /**
   * Writes a record if its config map still is of this version; undefined when there is to be none.
   * @returns false when it isn't
   */
  write(name: string, value: Uint8Array, expected: string | undefined, options?: CallOptions): Promise<boolean>;
  /** Takes a record out of its config map, which stays, if that still is of this version. */
  remove(name: string, expected: string, options?: CallOptions): Promise<boolean>;
}

const CONFIG_MAPS = { version: 'v1', plural: 'configmaps' };
const FIELD = 'record';
const MAX_PREFIX = 128;

const rules: OptionRules<KubernetesRecordsOptions> = {
  namespace: rule.text('the name of a namespace', isObjectName),
  prefix: rule.text(`what names of objects can begin with, at most ${MAX_PREFIX} characters`, isPrefix),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function kubernetesRecords(client: RecordCalls, options: KubernetesRecordsOptions = {}): KubernetesRecords {
  return new ConfigMapRecords(client, checkOptions('kubernetesRecords', rules, options));
}

class ConfigMapRecords implements KubernetesRecords {
  readonly #client: RecordCalls;
  readonly #namespace: string | undefined;
  readonly #prefix: string;

  constructor(client: RecordCalls, { namespace, prefix = 'quorate-task-' }: KubernetesRecordsOptions) {
    this.#client = client;
    this.#namespace = namespace;
    this.#prefix = prefix;
  }

  async read(name: string, options: CallOptions = {}): Promise<KubernetesRecord | undefined> {
    const map = await this.#get(name, options);
    const value = map && valueOf(map);
    return value && { value, version: versionOf(map) };
  }

  async write(
    name: string,
    value: Uint8Array,
    expected: string | undefined,
    options: CallOptions = {},
  ): Promise<boolean> {
    const map = await this.#get(name, options);
    if (map === undefined) return expected === undefined && (await this.#create(name, value, options));
    if (versionSeen(map) !== expected) return false;
    return this.#update(map, encode(value), options);
  }

  async remove(name: string, expected: string, options: CallOptions = {}): Promise<boolean> {
    const map = await this.#get(name, options);
    if (map === undefined || versionSeen(map) !== expected) return false;
    return this.#update(map, undefined, options);
  }

  async #get(name: string, options: CallOptions): Promise<KubernetesObject | undefined> {
    try {
      return await this.#client.get(CONFIG_MAPS, await this.#in(), this.#nameOf(name), options);
    } catch (error) {
      if (isClusterError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  #create(name: string, value: Uint8Array, options: CallOptions): Promise<boolean> {
    const metadata = { name: this.#nameOf(name) };
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, binaryData: { [FIELD]: encode(value) } };
    return unlessOne([409], async () => this.#client.create(CONFIG_MAPS, await this.#in(), map, options));
  }

  /** With the version that was looked at: whatever was written since is not overwritten, be it by a label. */
  #update(map: KubernetesObject, text: string | undefined, options: CallOptions): Promise<boolean> {
    const { [FIELD]: _, ...others } = isRecord(map['binaryData']) ? map['binaryData'] : {};
    const binaryData = text === undefined ? others : { ...others, [FIELD]: text };
    const changed = { ...map, binaryData };
    return unlessOne([404, 409], async () => this.#client.update(CONFIG_MAPS, await this.#in(), changed, options));
  }

  #in(): Promise<string> {
    return this.#namespace === undefined ? this.#client.namespace() : Promise.resolve(this.#namespace);
  }

  #nameOf(name: string): string {
    return this.#prefix + objectNamePart(name);
  }
}

/** 409: there is one already, or it has another version. 404 for an update: it was deleted meanwhile. */
async function unlessOne(codes: readonly number[], write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    const code = statusOf(error)?.code;
    if (code !== undefined && codes.includes(code)) return false;
    throw error;
  }
}

/** Undefined where there is no record. */
function versionSeen(map: KubernetesObject): string | undefined {
  return valueOf(map) && versionOf(map);
}

function versionOf({ metadata }: KubernetesObject): string {
  if (metadata.resourceVersion !== undefined) return metadata.resourceVersion;
  throw new ClusterError('PROTOCOL', `kubernetes: the config map ${metadata.name} has no resource version`);
}

function valueOf({ metadata, binaryData }: KubernetesObject): Uint8Array | undefined {
  const text = isRecord(binaryData) ? binaryData[FIELD] : undefined;
  if (text === undefined) return undefined;
  try {
    if (typeof text === 'string') return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    // Told below.
  }
  throw new ClusterError('PROTOCOL', `kubernetes: what the config map ${metadata.name} holds is not base64`);
}

function encode(value: Uint8Array): string {
  return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(''));
}

function isPrefix(text: string): boolean {
  return text.length <= MAX_PREFIX && isObjectName(`${text}a`);
}
