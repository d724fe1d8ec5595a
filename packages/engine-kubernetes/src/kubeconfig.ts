import { ClusterError } from '@quorate/core';
import { parse } from 'yaml';

import { isRecord } from './object.ts';

/** Something that a kubeconfig holds itself or names a file for. */
export type Material = { readonly text: string } | { readonly file: string };

/** What one context of a kubeconfig says. */
export interface KubeconfigContext {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly serverName: string | undefined;
  readonly insecure: boolean;
  readonly ca: Material | undefined;
  readonly cert: Material | undefined;
  readonly key: Material | undefined;
  readonly token: Material | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** What would change whom one asks as, or how; to pass over it would be to ask as somebody else. */
const UNSUPPORTED = [
  'exec',
  'auth-provider',
  'username',
  'password',
  'as',
  'as-uid',
  'as-groups',
  'as-user-extra',
  'proxy-url',
];

/**
 * Reads a context of a kubeconfig.
 * @param name the context; undefined: the current one
 * @param resolve makes a file's path absolute; paths are relative to the kubeconfig
 * @throws ClusterError `INVALID_OPTIONS`, naming the field; `UNSUPPORTED` for what this client can't do. No message quotes
 * the text, which holds credentials
 */
export function readKubeconfig(
  text: string,
  name: string | undefined,
  resolve: (path: string) => string,
): KubeconfigContext {
  const config = parseYaml(text);
  const current = name ?? config['current-context'];
  if (typeof current !== 'string' || current === '') throw invalid('there is no current context, and none is named');
  const context = entry(config, 'contexts', 'context', current);
  const cluster = entry(config, 'clusters', 'cluster', textOf(context, 'cluster') ?? '');
  const userName = textOf(context, 'user');
  const user = userName === undefined ? {} : entry(config, 'users', 'user', userName);
  for (const field of UNSUPPORTED) {
    if (field in user || field in cluster)
      throw new ClusterError('UNSUPPORTED', `kubeconfig: ${field} is not supported`);
  }
  const server = textOf(cluster, 'server');
  if (server === undefined) throw invalid('the cluster has no server');
  return {
    server,
    namespace: textOf(context, 'namespace'),
    serverName: textOf(cluster, 'tls-server-name'),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    ca: material(cluster, 'certificate-authority', resolve),
    cert: material(user, 'client-certificate', resolve),
    key: material(user, 'client-key', resolve),
    token: tokenOf(user, resolve),
  };
}

function parseYaml(text: string): Fields {
  let config: unknown = undefined;
  try {
    config = parse(text, { prettyErrors: false, logLevel: 'error' });
  } catch {
    // Without the cause: messages of a parser quote what they stumble over.
    throw invalid('it is not YAML');
  }
  if (!isRecord(config)) throw invalid('it is not an object');
  return config;
}

/** The part `field` of the entry with this name in the list. */
function entry(config: Fields, list: string, field: string, name: string): Fields {
  const entries: unknown = config[list];
  const found: unknown = Array.isArray(entries)
    ? entries.find((item) => isRecord(item) && item['name'] === name)
    : undefined;
  const part = isRecord(found) ? found[field] : undefined;
  if (!isRecord(part)) throw invalid(`${list} has no entry ${JSON.stringify(name)}`);
  return part;
}

/** As kubectl has it: the data go before the file. */
function material(fields: Fields, field: string, resolve: (path: string) => string): Material | undefined {
  const data = textOf(fields, `${field}-data`);
  if (data !== undefined) return { text: decodeBase64(data, `${field}-data`) };
  const file = textOf(fields, field);
  return file === undefined ? undefined : { file: resolve(file) };
}

/** As kubectl has it: the file goes before the token, since it may have been replaced. */
function tokenOf(user: Fields, resolve: (path: string) => string): Material | undefined {
  const file = textOf(user, 'tokenFile');
  if (file !== undefined) return { file: resolve(file) };
  const text = textOf(user, 'token');
  return text === undefined ? undefined : { text };
}

function textOf(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw invalid(`${field} is not a text`);
  return value;
}

function decodeBase64(data: string, field: string): string {
  try {
    return atob(data.replaceAll(/\s/gu, ''));
  } catch {
    throw invalid(`${field} is not base64`);
  }
}

function invalid(reason: string): ClusterError {
  return new ClusterError('INVALID_OPTIONS', `kubeconfig: ${reason}`);
}
