import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate with its key, as files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** An authority that signs certificates for loopback, which last a day. It needs `openssl` on the PATH. */
export class CertificateAuthority {
  readonly #folder: string;
  /** Its own certificate, as a file. */
  readonly file: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.file = path.join(folder, 'ca.pem');
  }

  /** @param folder for the files; it is to be disposed of by the caller */
  static async create(folder: string): Promise<CertificateAuthority> {
    const authority = new CertificateAuthority(folder);
    await make(folder, 'ca', ['-subj', '/CN=authority of a test']);
    return authority;
  }

  /** Signs a new one; of the same name replaces the files of the former. */
  async issue(name: string): Promise<CertificateFiles> {
    const signer = ['-CA', this.file, '-CAkey', path.join(this.#folder, 'ca.key')];
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    const uses = ['-addext', 'extendedKeyUsage=serverAuth,clientAuth', '-addext', 'basicConstraints=critical,CA:FALSE'];
    return make(this.#folder, name, ['-subj', `/CN=${name}`, ...signer, ...names, ...uses]);
  }

  pem(): Promise<string> {
    return readFile(this.file, 'utf8');
  }
}

async function make(folder: string, name: string, details: readonly string[]): Promise<CertificateFiles> {
  const files = { cert: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}.key`) };
  const form = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '1'];
  await run('openssl', [...form, '-keyout', files.key, '-out', files.cert, ...details]);
  return files;
}
