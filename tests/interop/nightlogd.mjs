// What all interop clients need: the real daemon, ids, and a night's first tap.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

// Starts nightlogd, on free ports with empty data unless told otherwise: `data` is a folder that the
// caller keeps, `port` the one for browsers, `flags` are added. Returns its address, the URL for
// browsers, kill(signal), logged(words), which resolves once its log has a line with them, and stop(),
// which resolves to the exit code of an orderly end.
export async function startDaemon({ data, port = 0, flags = [] } = {}) {
  const folder = data ?? await mkdtemp(path.join(tmpdir(), 'nightlog-interop-'));
  const daemon = spawn(process.env.NIGHTLOGD,
    [`--data_dir=${folder}`, '--listen=127.0.0.1:0', `--web_listen=127.0.0.1:${port}`, ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(daemon, 'exit');
  exited.catch(() => {});
  const log = readline.createInterface({ input: daemon.stderr });
  log.on('line', (line) => console.error(line));
  let address;
  const url = await new Promise((resolve, reject) => {
    daemon.once('error', reject);
    daemon.once('exit', (code, signal) => reject(new Error(`nightlogd ended: ${code ?? signal}`)));
    readline.createInterface({ input: daemon.stdout }).on('line', (line) => {
      const serving = line.match(/^nightlogd: serving on (\S+)$/);
      if (serving) address = serving[1];
      const web = line.match(/^web: (\S+)$/);
      if (web) resolve(web[1]);
    });
  });
  return {
    address,
    url,
    kill: (signal) => daemon.kill(signal),
    logged: (words) => new Promise((resolve) => {
      log.on('line', (line) => line.includes(words) && resolve());
    }),
    async stop() {
      daemon.kill('SIGTERM');
      const [code, signal] = await exited;
      if (!data) await rm(folder, { recursive: true, force: true });
      return code ?? signal;
    },
  };
}

// A UUIDv7, as a device makes them.
export function newId() {
  const id = randomBytes(16);
  id.writeUIntBE(Date.now(), 0, 6);
  id[6] = 0x70 | (id[6] & 0x0f);
  id[8] = 0x80 | (id[8] & 0x3f);
  return id;
}

// The hash of a transaction that this device stored as `stored`, after the one of `previousHash`.
export function chainHash(previousHash, stored) {
  return createHash('sha256').update(previousHash).update(stored).digest();
}

// The state hash of records with these digests (buffers), as Bookmark.state_hash defines it.
export function stateHash(digests) {
  const lanes = new BigUint64Array(4);
  for (const digest of digests) {
    for (let lane = 0; lane < 4; ++lane) lanes[lane] += digest.readBigUInt64LE(8 * lane);
  }
  const sum = Buffer.alloc(32);
  lanes.forEach((value, lane) => sum.writeBigUInt64LE(value, 8 * lane));
  return sum;
}
