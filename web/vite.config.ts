import { defineConfig } from 'vite';
import { precompressed } from './build/assets.ts';
import { loadOrder, terminalMarkup } from './build/pages.ts';

export default defineConfig({
  appType: 'mpa',
  plugins: [terminalMarkup(), loadOrder(), precompressed()],
  // The gateway puts the nonce of each response here.
  html: { cspNonce: '{{nonce}}' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: ['index.html', 'landing.html', 'not-found.html'] },
  },
});
