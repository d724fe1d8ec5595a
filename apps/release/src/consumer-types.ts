import path from 'node:path';
import type { Project } from './project.ts';
import { run } from './run.ts';

/** How a program's project finds the declarations of what it imports. */
export type Resolution = 'nodenext' | 'bundler';

/** A compiler as a project gets it by this range, and what it is called there. */
export const COMPILERS = { '5.9': 'typescript-5', '7': 'typescript-7' } as const;

/** What to install for them. */
export const compilerPackages: readonly string[] = Object.entries(COMPILERS).map(
  ([range, alias]) => `${alias}@npm:typescript@${range}`,
);

/**
 * Compiles files of a project, strictly, the declarations of ours with them.
 * @returns what the compiler objects to
 */
export async function typeErrors(
  project: Project,
  compiler: keyof typeof COMPILERS,
  resolution: Resolution,
  files: readonly string[],
): Promise<string> {
  const config = project.write(
    `tsconfig.${resolution}.json`,
    JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        noEmit: true,
        target: 'es2023',
        lib: ['es2024', 'esnext.disposable', 'esnext.collection'],
        types: ['node'],
        module: resolution === 'nodenext' ? 'nodenext' : 'preserve',
        moduleResolution: resolution,
        skipLibCheck: false,
      },
      files,
    }),
  );
  const tsc = path.join(project.folder, 'node_modules', COMPILERS[compiler], 'bin', 'tsc');
  return await run(process.execPath, [tsc, '-p', config, '--pretty', 'false'], { cwd: project.folder }).then(
    () => '',
    (error: unknown) => String(error),
  );
}
