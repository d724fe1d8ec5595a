import path from 'node:path';
import ts from 'typescript';
import { entryPointsOf, type PublishedPackage } from './workspace.ts';

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts', 'lib.esnext.collection.d.ts'],
  types: [],
  noEmit: true,
};

/**
 * What programs can see of each package, as text: all that its entry points export, in the order of the names, as the
 * built declarations have it without their comments; then what these refer to and no name leads to.
 * @returns by the name of the package
 */
export function apiSurfaces(packages: readonly PublishedPackage[]): ReadonlyMap<string, string> {
  const files = packages.flatMap(({ folder, manifest }) =>
    entryPointsOf(manifest).map(({ types }) => path.join(folder, types)),
  );
  const program = ts.createProgram(files, OPTIONS);
  return new Map(packages.map((found) => [found.name, surfaceOf(found, program)]));
}

function surfaceOf({ folder, manifest }: PublishedPackage, program: ts.Program): string {
  const sections = entryPointsOf(manifest).map(({ specifier, types }) => {
    const source = program.getSourceFile(path.join(folder, types));
    if (source === undefined) throw new Error(`${specifier} has no declarations: ${types}`);
    return `== ${specifier}\n\n${new EntrySurface(program.getTypeChecker(), source, `${folder}${path.sep}dist`).text()}`;
  });
  return sections.join('\n');
}

/** Of one entry point. */
class EntrySurface {
  readonly #checker: ts.TypeChecker;
  readonly #source: ts.SourceFile;
  /** What is declared elsewhere belongs to others, who have a text of their own. */
  readonly #folder: string;
  readonly #printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });
  /** Of all that is written down or is to be, in order. */
  readonly #seen = new Set<ts.Symbol>();
  readonly #reached: ts.Symbol[] = [];

  constructor(checker: ts.TypeChecker, source: ts.SourceFile, folder: string) {
    this.#checker = checker;
    this.#source = source;
    this.#folder = folder;
  }

  text(): string {
    const module = this.#checker.getSymbolAtLocation(this.#source);
    const exported = module === undefined ? [] : this.#checker.getExportsOfModule(module);
    const named = byName(exported).map((symbol) => ({ name: symbol.name, meant: this.#meantBy(symbol) }));
    for (const { meant } of named) this.#seen.add(meant);
    const parts = named.map(({ name, meant }) => this.#describe(name, meant));
    const hidden: string[] = [];
    // Grows while it is walked.
    for (const symbol of this.#reached) hidden.push(this.#describe(symbol.name, symbol));
    const rest = hidden.length === 0 ? '' : `\n-- referred to, and not exported\n\n${hidden.toSorted().join('\n')}`;
    return parts.join('\n') + rest;
  }

  #meantBy(symbol: ts.Symbol): ts.Symbol {
    return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : this.#checker.getAliasedSymbol(symbol);
  }

  #describe(name: string, symbol: ts.Symbol): string {
    const declarations = symbol.declarations ?? [];
    if (declarations.length === 0) throw new Error(`${this.#source.fileName}: ${name} is declared nowhere`);
    return declarations.map((declaration) => this.#print(name, symbol, declaration)).join('');
  }

  #print(name: string, symbol: ts.Symbol, declaration: ts.Declaration): string {
    const file = declaration.getSourceFile();
    if (!file.fileName.startsWith(this.#folder)) return `export { ${name} } of another package\n`;
    // Of a constant, the statement: that says what kind it is.
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    this.#follow(node);
    const text = this.#printer.printNode(ts.EmitHint.Unspecified, node, file);
    const renamed = name === symbol.name ? '' : `// exported as ${name}\n`;
    const deprecated = ts.getJSDocDeprecatedTag(node) === undefined ? '' : '// deprecated\n';
    return `${renamed}${deprecated}${text.replace(/^export /u, '')}\n`;
  }

  /** Remembers what is referred to in here, of the package's own. */
  #follow(node: ts.Node): void {
    if (ts.isIdentifier(node)) this.#reach(node);
    ts.forEachChild(node, (child) => this.#follow(child));
  }

  #reach(identifier: ts.Identifier): void {
    const symbol = this.#checker.getSymbolAtLocation(identifier);
    if (symbol === undefined) return;
    const meant = this.#meantBy(symbol);
    if (this.#seen.has(meant) || !meant.declarations?.some((declaration) => this.#isOwn(declaration))) return;
    this.#seen.add(meant);
    this.#reached.push(meant);
  }

  /** A declaration of the package that stands for itself: no member, parameter or type parameter. */
  #isOwn(declaration: ts.Declaration): boolean {
    const isVariable = ts.isVariableDeclaration(declaration);
    const holder = isVariable ? declaration.parent.parent.parent : declaration.parent;
    return ts.isSourceFile(holder) && holder.fileName.startsWith(this.#folder);
  }
}

/** By code units, the same on every machine. */
function byName(symbols: readonly ts.Symbol[]): readonly ts.Symbol[] {
  return symbols.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}
