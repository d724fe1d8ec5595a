import {
  ClusterError,
  describeCertificate,
  namesNode,
  type NodeId,
  type SecuredStream,
  type StreamSecurity,
  type TransportContext,
} from '@quorate/core';
import { StreamKeys } from './stream-keys.ts';

/** How the two ends of a connection show who they are, as `auth` in the handshake says. */
export type AuthMethod = 'none' | 'shared-key' | 'certificate';

/** What this node asks of every stream, and what it shows itself. */
export class StreamGuard {
  readonly method: AuthMethod;
  /** For the network. Undefined: streams are plain. */
  readonly security: StreamSecurity | undefined;
  /** Where secrets are what is shown. */
  readonly keys: StreamKeys | undefined;
  readonly #cluster: string;

  constructor({ security: { keyring, certificates }, crypto, cluster }: TransportContext) {
    this.#cluster = cluster.name;
    if (certificates !== undefined) {
      this.method = 'certificate';
      this.security = { type: 'certificates', current: () => certificates.current };
    } else if (keyring === undefined) {
      this.method = 'none';
    } else {
      this.method = 'shared-key';
      this.keys = new StreamKeys(crypto, keyring, cluster.name);
      this.security = this.keys;
    }
  }

  /** @throws ClusterError `REFUSED` when a stream isn't what was asked for, whatever the network has promised */
  check(secured: SecuredStream | undefined): void {
    const shown = secured === undefined ? 'none' : METHOD_OF[secured.peer.type];
    if (shown === this.method) return;
    throw new ClusterError('REFUSED', `streams are to be secured by ${this.method}, and this one is by ${shown}`);
  }

  /** What speaks against this being the stream of that node. */
  objection(id: NodeId, secured: SecuredStream | undefined): string | undefined {
    if (secured?.peer.type !== 'certificate') return undefined;
    const { certificate } = secured.peer;
    if (namesNode(certificate, this.#cluster, id)) return undefined;
    return `the certificate that ${id} shows is that of ${describeCertificate(certificate)}`;
  }
}

const METHOD_OF = { 'shared-key': 'shared-key', certificate: 'certificate' } as const;
