// The built app: what a start loads, and what the service worker keeps. $WEB_DIST is the build.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const START_BYTES_MAX = 20_000;
const dist =
  process.env.WEB_DIST ?? path.resolve(import.meta.dirname, '../../../../clients/web/dist');
const page = readFileSync(path.join(dist, 'index.html'), 'utf8');

// A script and all that it imports statically, by path from the root.
function withImports(script: string, found = new Set<string>()): Set<string> {
  if (found.has(script)) return found;
  found.add(script);
  const code = readFileSync(path.join(dist, script), 'utf8');
  for (const [, imported] of code.matchAll(
    /(?:import|export)(?:[^"'`();]*?from)?\s*["'](\.[^"']+)["']/g,
  )) {
    withImports(path.join(path.dirname(script), imported ?? ''), found);
  }
  return found;
}

const entries = [...page.matchAll(/<script[^>]*\ssrc="\/([^"]+)"/g)].map((match) => match[1] ?? '');
const start = [...entries.reduce((found, entry) => withImports(entry, found), new Set<string>())];

test('a start loads at most 20 KB of compressed script', () => {
  expect(entries).toHaveLength(1);
  const sizes = start.map((file) => [file, gzipSync(readFileSync(path.join(dist, file))).length]);
  const total = sizes.reduce((sum, [, size]) => sum + Number(size), 0);
  expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(START_BYTES_MAX);
});

test('a start loads neither protobuf nor RPC nor charts', () => {
  const code = start.map((file) => readFileSync(path.join(dist, file), 'utf8')).join('\n');
  for (const sign of ['grpc-status', 'nightlog.v1', 'uPlot', 'u-legend']) {
    expect(code).not.toContain(sign);
  }
  const lazy = readdirSync(path.join(dist, 'assets')).map((name) => {
    return readFileSync(path.join(dist, 'assets', name), 'utf8');
  });
  expect(lazy.some((text) => text.includes('grpc-status'))).toBe(true);
});

test('the page has no script or style of its own, for a strict content security policy', () => {
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)/);
  expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=|data:/);
});

test('the service worker keeps every file of the app', () => {
  const worker = readFileSync(path.join(dist, 'service_worker.js'), 'utf8');
  const kept = [...worker.matchAll(/"url":"([^"]+)"/g)].map((match) => match[1]);
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.\w+$/.test(name) && !/^service_worker/.test(name),
  );
  expect(kept.sort()).toEqual(files.sort());
  expect(existsSync(path.join(dist, 'manifest.webmanifest'))).toBe(true);
});
