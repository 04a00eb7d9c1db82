// The real daemon, for tests; its program is named by $NIGHTLOGD.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

export class Daemon {
  private process: ChildProcess | undefined;
  private port = 0;

  private constructor(private readonly data: string) {}

  // Starts it on a free port with empty data.
  static async start(): Promise<Daemon> {
    const daemon = new Daemon(await mkdtemp(path.join(tmpdir(), 'nightlog-web-')));
    await daemon.restart();
    return daemon;
  }

  // Where browsers find it.
  get origin(): string {
    return `http://${this.address}`;
  }

  private get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  // Copies its data aside, for restartFromCopy(). REQUIRES: it is stopped.
  async copyData(): Promise<void> {
    await cp(this.data, `${this.data}.copy`, { recursive: true });
  }

  // Starts it again on the data as they were at copyData(), as an operator does after a loss.
  // REQUIRES: it is stopped.
  async restartFromCopy(): Promise<void> {
    await rm(this.data, { recursive: true });
    await cp(`${this.data}.copy`, this.data, { recursive: true });
    await this.restart('--new_lineage');
  }

  // Starts it again at the same address, on the same data. REQUIRES: it is stopped.
  async restart(...flags: string[]): Promise<void> {
    const program = process.env.NIGHTLOGD;
    if (!program) throw new Error('set NIGHTLOGD to the path of the daemon');
    const daemon = spawn(
      program,
      [`--data_dir=${this.data}`, '--listen=127.0.0.1:0', `--web_listen=${this.address}`, ...flags],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.process = daemon;
    this.port = await new Promise<number>((resolve, reject) => {
      daemon.once('error', reject);
      daemon.once('exit', (code) => reject(new Error(`nightlogd ended: ${code}`)));
      readline.createInterface({ input: daemon.stdout }).on('line', (line) => {
        const serving = line.match(/^web: http:\/\/\S+:(\d+)\/$/);
        if (serving) resolve(Number(serving[1]));
      });
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const daemon = this.process;
    this.process = undefined;
    if (!daemon || daemon.exitCode !== null) return;
    const ended = once(daemon, 'exit');
    daemon.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.data, { recursive: true, force: true });
    await rm(`${this.data}.copy`, { recursive: true, force: true });
  }
}
