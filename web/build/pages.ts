/** What the pages share: the terminal's markup, and the gate of the page for used links. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';

const TERMINAL = '<!-- terminal -->';
const GATE = '<!-- gate -->';

/** Puts the terminal's markup into every page that asks for it. */
export function terminalMarkup(): Plugin {
  return {
    name: 'terminal-markup',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replace(TERMINAL, () => readFileSync('src/page/terminal.html', 'utf8').trim()),
    },
  };
}

/**
 * Orders what the terminal's page loads as it is needed: first its own script, which gets the connection that
 * is open, and what that imports, so that it runs and goes to the gateway; then the terminal, which nothing in
 * the page names, and which would hold the others up on a slow link.
 */
export function loadOrder(): Plugin {
  return {
    name: 'load-order',
    transformIndexHtml: {
      order: 'post',
      handler: (html, { bundle = {}, path }) => {
        if (path !== '/index.html') {
          return html;
        }
        const terminal = Object.values(bundle).find(
          (output) => output.type === 'chunk' && output.facadeModuleId?.endsWith('/src/terminal.ts'),
        );
        const scripts = html.match(/^ *<script type="module" .*\n/gm) ?? [];
        const own = scripts.pop();
        if (terminal === undefined || own === undefined) {
          throw new Error('The page has no script of its own, or the terminal no file.');
        }
        const ahead = `    <link rel="modulepreload" crossorigin href="/${terminal.fileName}" nonce="{{nonce}}">\n`;
        return html.replace([...scripts, own].join(''), () => [own, ...scripts, ahead].join(''));
      },
    },
  };
}

/**
 * Builds the gate and puts it into the built page, as a script of its own that the browser runs
 * before it paints: a module would come too late, and the page's policy takes no inline script.
 */
export async function addGate(root: string, outDir: string): Promise<void> {
  const output = await build({
    root,
    configFile: false,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: 'src/gate.ts', formats: ['iife'], name: 'gate' },
    },
  });
  const [bundle] = [output].flat();
  const code = bundle !== undefined && 'output' in bundle ? bundle.output[0].code : '';
  const name = `gate-${createHash('sha256').update(code).digest('base64url').slice(0, 8)}.js`;
  writeFileSync(join(outDir, 'assets', name), code);
  const page = join(outDir, 'not-found.html');
  const html = readFileSync(page, 'utf8');
  if (code === '' || !html.includes(GATE)) {
    throw new Error('The page for used links has no gate.');
  }
  writeFileSync(page, html.replace(GATE, `<script src="/assets/${name}"></script>`));
}
