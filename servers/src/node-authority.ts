import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import type { CertificateFiles } from './certificates.ts';

const run = promisify(execFile);
const DAY_MS = 24 * 3_600_000;

export interface NodeCertificateDetails {
  /** As OpenSSL takes alternative names: `URI:quorate://orders/a,DNS:a`. */
  readonly names: string;
  /** Milliseconds since 1970. */
  readonly validTo?: number;
}

/** An authority for the nodes of a cluster, which also revokes. It needs `openssl` on the PATH. */
export class NodeAuthority {
  readonly #folder: string;
  /** Its own certificate, as a file. */
  readonly ca: string;
  /** What it has revoked, as a file. */
  readonly crl: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.ca = path.join(folder, 'ca.pem');
    this.crl = path.join(folder, 'crl.pem');
  }

  /** @param folder that is there and empty; it is to be disposed of by the caller */
  static async create(folder: string): Promise<NodeAuthority> {
    const authority = new NodeAuthority(folder);
    await writeFile(path.join(folder, 'ca.cnf'), configuration(folder));
    await writeFile(path.join(folder, 'index.txt'), '');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', `${folder}/ca.key`];
    await run('openssl', ['req', '-x509', ...key, '-days', '2', '-subj', '/CN=authority', '-out', authority.ca]);
    await authority.#list();
    return authority;
  }

  /** Signs a new one; of the same name replaces the files of the former. */
  async issue(
    name: string,
    { names, validTo = Date.now() + DAY_MS }: NodeCertificateDetails,
  ): Promise<CertificateFiles> {
    const at = (suffix: string) => path.join(this.#folder, `${name}.${suffix}`);
    const files = { cert: at('pem'), key: at('key') };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', files.key];
    await run('openssl', ['req', '-new', ...key, '-subj', `/CN=${name}`, '-out', at('csr')]);
    const uses = 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n';
    await writeFile(at('ext'), `subjectAltName=${names}\n${uses}`);
    const dates = ['-startdate', asn1Time(Date.now() - DAY_MS), '-enddate', asn1Time(validTo)];
    await this.#ca(['-notext', '-in', at('csr'), '-out', files.cert, '-extfile', at('ext'), ...dates]);
    return files;
  }

  /** Puts it on the list. */
  async revoke(cert: string): Promise<void> {
    await this.#ca(['-revoke', cert]);
    await this.#list();
  }

  async #list(): Promise<void> {
    await this.#ca(['-gencrl', '-out', this.crl]);
  }

  async #ca(args: readonly string[]): Promise<void> {
    const own = ['-config', `${this.#folder}/ca.cnf`, '-batch', '-keyfile', `${this.#folder}/ca.key`, '-cert', this.ca];
    await run('openssl', ['ca', ...own, ...args]);
  }
}

function configuration(folder: string): string {
  return `[ca]
default_ca = nodes
[nodes]
database = ${folder}/index.txt
new_certs_dir = ${folder}
default_md = sha256
policy = names
rand_serial = yes
unique_subject = no
default_crl_days = 1
[names]
commonName = supplied
`;
}

/** `20270101000000Z` */
function asn1Time(time: number): string {
  return `${new Date(time).toISOString().replaceAll(/[-:T]|\.\d+Z/gu, '')}Z`;
}
