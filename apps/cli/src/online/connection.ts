import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import {
  type Address,
  type CertificateOptions,
  formatAddress,
  isClusterError,
  isNodeId,
  type NodeId,
  parseAddress,
  silentLogger,
  type System,
  type TransportClient,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { OperationsClient } from '@quorate/operations';
import { connectTcpClient } from '@quorate/transport-tcp';
import { exitCode, Failure } from '../failure.ts';

/** How a running cluster is reached, as the command line has it. */
export interface ConnectionChoice {
  readonly connect: string;
  readonly cluster?: string | undefined;
  readonly id?: string | undefined;
  readonly secretFile?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface Connection extends AsyncDisposable {
  readonly client: TransportClient;
  readonly node: OperationsClient;
  readonly timeoutMs: number;
}

const MAX_SECRET_FILE_BYTES = 8192;
/** Of the time for all, so much is for one address, while there are others. */
const CONNECT_MS = 5000;

/** The machine; what goes wrong is told by the command. */
export const system: System = nodeSystem({ logger: silentLogger });

/**
 * Connects to the first of the addresses that lets this client in.
 * @throws Failure
 */
export async function connect(choice: ConnectionChoice, env: NodeJS.ProcessEnv): Promise<Connection> {
  const addresses = choice.connect.split(',').map((text) => addressOf(text.trim()));
  const cluster = choice.cluster ?? env['QUORATE_CLUSTER_NAME'] ?? 'default';
  const certificates = certificatesOf(choice);
  const secret = certificates === undefined ? await secretOf(choice, env) : undefined;
  const id = choice.id ?? (certificates && (await nameIn(certificates.cert, cluster))) ?? defaultId();
  const shown = certificates === undefined ? {} : { certificates };
  const hidden = secret === undefined ? {} : { secret };
  const options = { system, cluster, id, ...shown, ...hidden, timeoutMs: Math.min(choice.timeout, CONNECT_MS) };
  const failures: string[] = [];
  for (const address of addresses) {
    try {
      const client = await connectTcpClient(address, options);
      const node = new OperationsClient(client);
      return { client, node, timeoutMs: choice.timeout, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
    } catch (error) {
      // The same for all of them.
      const isOwnFault = isClusterError(error) && ['INVALID_OPTIONS', 'NOT_FOUND', 'IO'].includes(error.code);
      if (isOwnFault) throw new Failure(exitCode.USAGE, error.message, { cause: error });
      failures.push(explain(address, error, { cluster, hasSecret: secret !== undefined }));
    }
  }
  throw new Failure(exitCode.UNREACHABLE, failures.join('; '));
}

function addressOf(text: string): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    throw new Failure(exitCode.USAGE, `--connect: expected host:port, got ${JSON.stringify(text)}`, { cause: error });
  }
}

function certificatesOf({ cert, key, ca, secretFile }: ConnectionChoice): CertificateOptions | undefined {
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new Failure(exitCode.USAGE, '--cert, --key and --ca go together: give all three');
  }
  if (secretFile !== undefined) throw new Failure(exitCode.USAGE, '--secret-file and --cert exclude each other');
  return { cert: path.resolve(cert), key: path.resolve(key), ca: path.resolve(ca) };
}

/** Of a file or the environment, never of the arguments, which everybody on the machine can read. */
async function secretOf({ secretFile }: ConnectionChoice, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (secretFile === undefined) return env['QUORATE_SECRET'] === '' ? undefined : env['QUORATE_SECRET'];
  try {
    const text = await readFile(secretFile, 'utf8');
    if (text.length <= MAX_SECRET_FILE_BYTES) return text.replace(/\r?\n$/u, '');
  } catch (error) {
    throw new Failure(exitCode.USAGE, `--secret-file: ${messageOf(error)}`, { cause: error });
  }
  throw new Failure(exitCode.USAGE, `--secret-file: ${secretFile} is longer than ${MAX_SECRET_FILE_BYTES} bytes`);
}

/** Whom the certificate names in this cluster: what the client has to call itself. */
async function nameIn(file: string, cluster: string): Promise<NodeId | undefined> {
  try {
    const certificate = new X509Certificate(await readFile(file));
    const prefix = `URI:quorate://${cluster}/`;
    const names = (certificate.subjectAltName ?? '').split(', ');
    const uri = names.find((name) => name.startsWith(prefix))?.slice(prefix.length);
    const dns = names.find((name) => name.startsWith('DNS:'))?.slice('DNS:'.length);
    const common = /^CN=(.*)$/mu.exec(certificate.subject)?.[1];
    return [uri, dns, common].find((name) => name !== undefined && isNodeId(name));
  } catch (error) {
    throw new Failure(exitCode.USAGE, `--cert: ${messageOf(error)}`, { cause: error });
  }
}

/** Fit for logs of the nodes: who was it. */
function defaultId(): NodeId {
  const name = `quorate-${hostname()}`.replaceAll(/[^\w.-]/gu, '-').slice(0, 100);
  return isNodeId(name) ? name : 'quorate';
}

function explain(
  address: Address,
  error: unknown,
  { cluster, hasSecret }: { readonly cluster: string; readonly hasSecret: boolean },
): string {
  const at = formatAddress(address);
  const message = messageOf(error);
  const said = message.includes(at) ? message : `${at}: ${message}`;
  if (!isClusterError(error)) return said;
  if (error.code === 'DISCONNECTED' || error.code === 'TIMEOUT')
    return `${said}; does a node run there? --connect names others`;
  if (error.code === 'CLUSTER_MISMATCH') return `${said}; is --cluster ${cluster} the right one?`;
  if (error.code === 'REFUSED' && !hasSecret) return `${said}; give the cluster's secret with --secret-file`;
  if (error.code === 'REFUSED') return `${said}; is the secret that of the cluster "${cluster}"?`;
  if (error.code === 'PROTOCOL') return `${said}; a node of an older release serves no clients`;
  return said;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
