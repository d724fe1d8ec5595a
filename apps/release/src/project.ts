import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PackedPackage } from './packed.ts';
import { run } from './run.ts';
import { bin } from './workspace.ts';

export interface InstallOptions {
  /** Whether packages that others publish may be fetched. @default true */
  readonly online?: boolean;
}

/** A program's project in a folder of its own, outside of the repository, as a user would begin one. */
export class Project implements Disposable {
  readonly folder: string;

  /** @param parent a folder to make it in, which is left alone */
  constructor(parent: string = tmpdir()) {
    mkdirSync(parent, { recursive: true });
    this.folder = mkdtempSync(path.join(parent, 'quorate-project-'));
    this.write('package.json', JSON.stringify({ name: 'project', version: '1.0.0', private: true, type: 'module' }));
  }

  /** @returns the path of the file */
  write(name: string, text: string): string {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** By npm, and on the Node.js that the repository is developed with, since npm is whatever the machine has. */
  async install(what: readonly (PackedPackage | string)[], { online = true }: InstallOptions = {}): Promise<void> {
    const wanted = what.map((item) => (typeof item === 'string' ? item : item.file));
    const way = online ? '--prefer-offline' : '--offline';
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', way, ...wanted], {
      cwd: this.folder,
      programs: bin,
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
