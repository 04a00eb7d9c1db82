// PouchDB's own server on a LevelDB folder, under the same work: `node pouchdb.mjs FOLDER DOCUMENTS`
// prints one line of JSON. Documents hold what a tap holds, and about as many bytes.
//
//   puts_per_second     64 documents at once, each with a PUT of its own
//   change_p50, _p99    microseconds from one PUT's begin until a continuous _changes feed has it
//   replication_ms      DOCUMENTS documents, replicated to a fresh LevelDB by PouchDB itself
//
// The server runs in a process of its own. Its LevelDB does not sync each write.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const PouchDB = require('pouchdb');
const [folder, documents = '10000', role] = process.argv.slice(2);

if (role === 'serve') {
  const app = require('express')();
  const Prefixed = PouchDB.defaults({ prefix: folder + path.sep });
  app.use('/', require('express-pouchdb')(Prefixed, { logPath: path.join(folder, 'log.txt') }));
  const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.stdin.on('end', () => process.exit(0)).resume();
} else {
  await measure(Number(documents));
}

async function measure(count) {
  const server = spawn(
    process.execPath,
    [fileURLToPath(import.meta.url), folder, documents, 'serve'],
    { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [line] = await once(server.stdout, 'data');
  const url = `http://127.0.0.1:${String(line).trim()}`;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  const call = (method, where, body) =>
    new Promise((resolve, reject) => {
      const request = http.request(
        url + where,
        { method, agent, headers: { 'content-type': 'application/json' } },
        (response) => {
          response.resume();
          response.on('end', () => {
            if (response.statusCode < 300) resolve();
            else reject(new Error(`${method} ${where}: ${response.statusCode}`));
          });
        },
      );
      request.on('error', reject);
      request.end(body && JSON.stringify(body));
    });
  const tap = (n) => ({
    kind: 'response',
    child: '0192f0c1a2b37c4d8e5f60718293a4b5',
    began: 1700000000 + n,
    ended: 1700000600 + n,
    zone: 'Europe/London',
    level: 3,
    action: 'hand on the back, sang',
    by: '0192f0c1a2b37c4d8e5f60718293a4b6',
  });

  await call('PUT', '/log');
  let next = 0;
  const began = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (next < count) {
        const n = next++;
        await call('PUT', `/log/tap-${n}`, tap(n));
      }
    }),
  );
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;

  const source = new PouchDB(`${url}/log`);
  const target = new PouchDB(path.join(folder, 'replica'));
  const replicationBegan = process.hrtime.bigint();
  const result = await source.replicate.to(target);
  const replicationMs = Number(process.hrtime.bigint() - replicationBegan) / 1e6;
  if (result.docs_written !== count) throw new Error(`${result.docs_written} replicated`);

  await call('PUT', '/live');
  let arrived;
  const feed = http.get(`${url}/live/_changes?feed=continuous&since=0&heartbeat=1000`);
  const [stream] = await once(feed, 'response');
  stream.on('data', (chunk) => {
    if (String(chunk).trim()) arrived?.();
  });
  const times = [];
  for (let n = 0; n < Math.min(count, 300); ++n) {
    const arrival = new Promise((resolve) => {
      arrived = resolve;
    });
    const start = process.hrtime.bigint();
    await Promise.all([call('PUT', `/live/tap-${n}`, tap(n)), arrival]);
    times.push(Number(process.hrtime.bigint() - start) / 1e3);
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  console.log(
    JSON.stringify({
      puts_per_second: count / seconds,
      replication_ms: replicationMs,
      change_p50: at(0.5),
      change_p99: at(0.99),
    }),
  );
  feed.destroy();
  agent.destroy();
  server.stdin.end();
  await once(server, 'exit');
}
