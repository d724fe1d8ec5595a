import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export const deployFolder = path.resolve(import.meta.dirname, '../../deploy');

export interface ComposeService {
  readonly hostname: string;
  readonly command: string;
  readonly volumes: readonly string[];
  readonly secrets: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly healthcheck: { readonly test: readonly string[] };
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** With what it takes from elsewhere in the file put in its place. */
export function readCompose(): Compose {
  return parse(readDeployFile('compose.yaml'), { merge: true }) as Compose;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

/** Of all files for Kubernetes. */
export function readManifests(): readonly Manifest[] {
  const files = readdirSync(path.join(deployFolder, 'kubernetes')).toSorted();
  return files.flatMap((file) =>
    parseAllDocuments(readDeployFile(path.join('kubernetes', file))).map((document) => document.toJS() as Manifest),
  );
}

interface StatefulSet {
  readonly spec: {
    readonly replicas: number;
    readonly template: { readonly spec: { readonly containers: readonly Container[] } };
  };
}

interface Container {
  readonly args: readonly string[];
  readonly resources: { readonly limits: { readonly memory: string } };
}

/** What the node in the first pod is started with. */
export function podArguments(): readonly string[] {
  const { args } = podContainer();
  return args.map((text) => text.replace('$(POD_NAME)', 'broker-0').replace('$(POD_IP)', '10.1.2.3'));
}

/** In bytes. */
export function podMemory(): number {
  const [, gibibytes = ''] = /^(\d+)Gi$/u.exec(podContainer().resources.limits.memory) ?? [];
  return Number(gibibytes) * 2 ** 30;
}

function podContainer(): Container {
  const set = readManifests().find(({ kind }) => kind === 'StatefulSet') as unknown as StatefulSet;
  const [container] = set.spec.template.spec.containers;
  if (container === undefined) throw new Error('the pod has no container');
  return container;
}

/** What systemd starts the node `a` with, and this is in its environment. */
export function unitArguments(more: string): readonly string[] {
  const [, line = ''] = /^ExecStart=\S+ (.+)$/mu.exec(readDeployFile('quorate-broker@.service')) ?? [];
  return line.replace('%i', 'a').replace('%S', '/var/lib').replace('$QUORATE_ARGS', more).split(' ');
}

export function readDeployFile(name: string): string {
  return readFileSync(path.join(deployFolder, name), 'utf8');
}
