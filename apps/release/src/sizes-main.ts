import path from 'node:path';
import { measureInstalled, measureLoaded, measurePacked } from './footprint.ts';
import { pack, type PackedPackage } from './packed.ts';
import { Project } from './project.ts';
import { bin, build, publishedPackages, withTheirNeeds } from './workspace.ts';

/** What each package costs, measured on what would be published, as rows of a table of Markdown. */
async function main(): Promise<void> {
  await build();
  using scratch = new Project();
  const packages = publishedPackages();
  const packed = new Map(
    (await pack(packages, path.join(scratch.folder, 'packed'))).map((found) => [found.name, found] as const),
  );
  console.log('| package | packed | unpacked, files | installed, packages (of others) | first import: files, bytes |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const { name } of packages) console.log(await row(name, packed));
}

async function row(name: string, packed: ReadonlyMap<string, PackedPackage>): Promise<string> {
  using project = new Project();
  const needed = withTheirNeeds([name]).flatMap((each) => packed.get(each.name) ?? []);
  await project.install(needed);
  const [own] = needed;
  if (own === undefined) throw new Error(`${name} was not packed`);
  const { packedBytes, unpackedBytes, files } = await measurePacked(own);
  const installed = await measureInstalled(project);
  const loaded = await measureLoaded(project, path.join(bin, 'node'), name);
  const cells = [
    `\`${name.replace('@quorate/', '')}\``,
    kib(packedBytes),
    `${kib(unpackedBytes)}, ${files}`,
    `${kib(installed.bytes)}, ${installed.packages} (${installed.others})`,
    `${loaded.files}, ${kib(loaded.bytes)}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function kib(bytes: number): string {
  return `${Math.round(bytes / 1024).toLocaleString('en')} KiB`;
}

await main();
