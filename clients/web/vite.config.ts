import path from 'node:path';
import { VitePWA } from 'vite-plugin-pwa';
import { defineConfig, type Plugin } from 'vitest/config';
import { compileMessages } from './build/compile_messages.ts';

const here = import.meta.dirname;
const tests = path.resolve(here, '../../tests/clients/web');

// The tests stand in the tree of tests; their packages are those of this folder.
function packagesForTests(): Plugin {
  return {
    name: 'nightlog-packages-for-tests',
    enforce: 'pre',
    resolveId(id, importer) {
      if (!importer?.startsWith(tests) || /^[./\0]|^node:|^@web\//.test(id)) return null;
      return this.resolve(id, path.join(here, 'package.json'), { skipSelf: true });
    },
  };
}

export default defineConfig({
  plugins: [
    packagesForTests(),
    compileMessages(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'service_worker.ts',
      injectRegister: false,
      injectManifest: { globPatterns: ['**/*.{js,css,html,svg,png,webmanifest}'] },
      manifest: {
        name: 'nightlog',
        short_name: 'nightlog',
        description: 'Family sleep log that works offline.',
        start_url: '/',
        display: 'standalone',
        background_color: '#100f13',
        theme_color: '#100f13',
        icons: [{ src: 'icon.svg', sizes: 'any', type: 'image/svg+xml', purpose: 'any maskable' }],
      },
    }),
  ],
  resolve: { alias: { '@web': path.join(here, 'src') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    // The content security policy allows neither inline script nor data URLs.
    assetsInlineLimit: 0,
  },
  test: {
    dir: tests,
    include: ['**/*.test.{ts,tsx}'],
    fileParallelism: false,
  },
});
