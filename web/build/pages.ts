/** What the pages share, and what stands in them for itself: the terminal's markup, styles, first scripts. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';

const MARKUP = '<!-- terminal -->';
const INLINE = /<!-- inline: (\w+) -->/;
const STYLES = /<link rel="stylesheet" crossorigin href="\/([^"]+)" nonce="([^"]+)">/g;
const MAIN = /<script type="module" crossorigin src="([^"]+)"/;

/** Puts the terminal's markup into every page that asks for it. */
export function terminalMarkup(): Plugin {
  return {
    name: 'terminal-markup',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replace(MARKUP, () => readFileSync('src/page/terminal.html', 'utf8').trim()),
    },
  };
}

/**
 * Puts into the built pages what they would have to wait a round trip for: their styles, and the scripts that
 * run before anything else is there. The page's policy names such a script by its hash.
 */
export async function inlined(root: string, outDir: string): Promise<void> {
  const assets = join(outDir, 'assets');
  const main = MAIN.exec(readFileSync(join(outDir, 'index.html'), 'utf8'))?.[1];
  const terminal = readdirSync(assets).find((file) => /^terminal-.*\.js$/.test(file));
  if (main === undefined || terminal === undefined) {
    throw new Error("The terminal's page has no script, or the terminal no file.");
  }
  const known = { MAIN: JSON.stringify(main), TERMINAL: JSON.stringify(`/assets/${terminal}`) };
  for (const name of readdirSync(outDir).filter((file) => file.endsWith('.html'))) {
    const path = join(outDir, name);
    let html = readFileSync(path, 'utf8').replace(STYLES, (_link, file: string, nonce: string) => {
      const styles = readFileSync(join(outDir, file), 'utf8').trim();
      return `<style nonce="${nonce}">${checked(styles, file)}</style>`;
    });
    const [mark, script] = INLINE.exec(html) ?? [];
    if (mark !== undefined && script !== undefined) {
      const code = await built(root, script, known);
      html = html.replace(mark, () => `<script>${checked(code, script)}</script>`);
    }
    if (html.includes('rel="stylesheet"')) {
      throw new Error(`${name} still loads styles.`);
    }
    writeFileSync(path, html);
  }
  for (const name of readdirSync(assets).filter((file) => file.endsWith('.css'))) {
    rmSync(join(assets, name));
  }
}

/** One of the scripts in `src/inline`, by itself, with what is known by now. */
async function built(root: string, name: string, known: Record<string, string>): Promise<string> {
  const output = await build({
    root,
    configFile: false,
    logLevel: 'warn',
    define: known,
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: `src/inline/${name}.ts`, formats: ['iife'], name },
    },
  });
  const [bundle] = [output].flat();
  const code = bundle !== undefined && 'output' in bundle ? bundle.output[0].code.trim() : '';
  if (code === '') {
    throw new Error(`The script ${name} is empty.`);
  }
  return code;
}

/** A text that stands in a page must not end its element, nor look like a placeholder. */
function checked(text: string, name: string): string {
  if (/<\/(?:style|script)|<!--|\{\{/i.test(text)) {
    throw new Error(`${name} cannot stand in a page.`);
  }
  return text;
}
