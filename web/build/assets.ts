/** What the build does after Vite: completes the pages, compresses the assets, and holds the first load to its budget. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { inlined } from './pages.ts';

/** The page with its styles, and the scripts that it cannot begin without, in bytes of brotli. */
const FIRST_LOAD_MAX = 110_000;

export function precompressed(): Plugin {
  let root = '';
  let outDir = '';
  return {
    name: 'precompressed',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      outDir = resolve(config.root, config.build.outDir);
    },
    async closeBundle() {
      await inlined(root, outDir);
      compressAll(join(outDir, 'assets'));
      const bytes = firstLoad(outDir);
      const figure = `first load: ${(bytes / 1000).toFixed(1)} kB brotli of ${FIRST_LOAD_MAX / 1000} kB`;
      if (bytes > FIRST_LOAD_MAX) {
        throw new Error(`The page is too heavy. ${figure}`);
      }
      this.info(figure);
    },
  };
}

function compressAll(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    writeFileSync(`${path}.br`, brotli(bytes));
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

function firstLoad(outDir: string): number {
  const html = readFileSync(join(outDir, 'index.html'), 'utf8');
  const scripts = [...html.matchAll(/\/(assets\/[\w-]+\.js)/g)].map(([, path]) => path ?? '');
  if (scripts.length < 2) {
    throw new Error('The page loads no script or no terminal, so its weight is not known.');
  }
  const files = scripts.map((path) => readFileSync(join(outDir, `${path}.br`)).length);
  return files.reduce((sum, length) => sum + length, brotli(Buffer.from(html)).length);
}

function brotli(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}
