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

// What is loaded together is one file each: it compresses better, and each file that a page asks for
// costs a slow phone some milliseconds. The first group that fits takes a module.
const FILES: [name: string, modules: RegExp[]][] = [
  [
    // The modules that src/main.tsx imports without waiting.
    'start',
    [
      /\/src\/(main|app\/\w+|store\/\w+|i18n\/index)\.tsx?$/,
      /\/src\/model\/(device_clock|edits|family|groups|ids|open_app|overlay|types)\.ts$/,
      /\/node_modules\/(preact|@preact|@lingui|idb)\//,
      /vite\/preload-helper/,
    ],
  ],
  ['ui', [/\/src\/(ui\/\w+|i18n\/intl)\.tsx?$/]],
];

export default defineConfig({
  plugins: [
    packagesForTests(),
    compileMessages(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'service_worker.ts',
      injectRegister: false,
      injectManifest: { globPatterns: ['**/*.{js,css,html}'] },
      manifest: {
        name: 'nightlog',
        short_name: 'nightlog',
        description: 'Family sleep log that works offline.',
        start_url: '/',
        display: 'standalone',
        background_color: '#100f13',
        theme_color: '#100f13',
        icons: [
          { src: 'icon.svg', sizes: 'any', type: 'image/svg+xml', purpose: 'any maskable' },
          // Home screens that take no drawing: iOS.
          { src: 'icon.png', sizes: '180x180', type: 'image/png' },
        ],
      },
    }),
  ],
  resolve: { alias: { '@web': path.join(here, 'src') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // A link for each file that an import needs costs a slow phone more than it gains: after the first
    // start all of them come from the service worker.
    modulePreload: {
      polyfill: false,
      resolveDependencies: (_file, needed) => needed.filter((name) => name.endsWith('.css')),
    },
    // The content security policy allows neither inline script nor data URLs.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: FILES.map(([name, modules], i) => ({
            name,
            test: (id: string) => modules.some((pattern) => pattern.test(id)),
            priority: FILES.length - i,
          })),
        },
      },
    },
  },
  test: {
    dir: tests,
    include: ['**/*.test.{ts,tsx}'],
    fileParallelism: false,
    testTimeout: 60_000,
  },
});
