import { defineConfig } from 'vite';
import { precompressed } from './build/assets.ts';
import { terminalMarkup } from './build/pages.ts';

export default defineConfig({
  appType: 'mpa',
  plugins: [terminalMarkup(), precompressed()],
  // The gateway puts the nonce of each response here.
  html: { cspNonce: '{{nonce}}' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: { main: 'index.html', landing: 'landing.html', 'not-found': 'not-found.html' },
    },
  },
});
