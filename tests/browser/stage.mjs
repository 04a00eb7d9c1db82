// Where the tests play: the real daemon with the built app, and people with browsers of their own.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

import { startDaemon } from '../interop/nightlogd.mjs';
import { eveningZone } from './evening.mjs';

// This machine under a name that the browser does not trust as its own.
export const kAnotherMachine = 'nightlog.test';
const kPatienceMs = 60_000;
// The app takes two hits of one place within 400 ms for one; people are slower.
const kTapEveryMs = 450;
const kBrowser = {
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', `--host-resolver-rules=MAP ${kAnotherMachine} 127.0.0.1`],
};
const kPhone = { width: 390, height: 844 };
const kDesk = { width: 1280, height: 800 };

const axe = await readFile(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

let browser;
before(async () => {
  browser = await chromium.launch(kBrowser);
});
after(() => browser?.close());

// `22:10`, as the app writes it.
export const timeIn = (zone, at) =>
  new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'short' }).format(at);

// Runs in the page before the app: its wall clock is wrong by this much.
function shiftClock(aheadMs) {
  const Right = Date;
  globalThis.Date = class extends Right {
    constructor(...given) {
      super(...(given.length > 0 ? given : [Right.now() + aheadMs]));
    }

    static now() {
      return Right.now() + aheadMs;
    }
  };
}

// Somebody with a browser: all that is done here is done on the screen.
class Person {
  #lastTapAt = 0;

  constructor(name, context, page, url) {
    Object.assign(this, { name, context, page, url });
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  // What the child does, in the large words of the night.
  now(words) {
    return this.page.getByRole('region', { name: 'Now' }).getByText(words, { exact: true });
  }

  // The line of an entry in the night so far.
  entry(words) {
    return this.page.getByRole('region', { name: 'The night so far' })
      .getByRole('button').filter({ hasText: words });
  }

  sync(words) {
    return this.page.locator('header').getByText(words);
  }

  async open(place) {
    await this.page.goto(this.url + place);
  }

  async fill(fields) {
    for (const [label, text] of Object.entries(fields)) {
      await this.page.getByLabel(label, { exact: true }).fill(text);
    }
  }

  // Taps a step of the night; returns once the screen says that it is saved.
  async tap(step) {
    await this.#untilNextTap();
    await this.page.getByRole('contentinfo').getByRole('button', { name: step, exact: true }).click();
    this.#lastTapAt = Date.now();
    await this.page.getByRole('status').getByText(`${step}, `).waitFor();
  }

  // Taps steps before the screen is drawn anew.
  async tapAtOnce(...steps) {
    await this.#untilNextTap();
    await this.page.evaluate((words) => {
      const buttons = [...document.querySelectorAll('footer button')];
      for (const button of words.map((word) => buttons.find((b) => b.innerText === word))) {
        button.click();
      }
    }, steps);
    this.#lastTapAt = Date.now();
  }

  async #untilNextTap() {
    await delay(Math.max(0, this.#lastTapAt + kTapEveryMs - Date.now()));
  }

  // Makes an invitation where one was begun; returns its code as it is shown.
  async makeCode() {
    await this.button('Make the code').click();
    await this.page.getByRole('img', { name: 'Picture of the link' }).waitFor();
    return this.page.getByText(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/).innerText();
  }

  async join(code) {
    await this.open('');
    await this.page.getByRole('link', { name: 'I have a code' }).click();
    await this.fill({ Code: code, 'Your name': this.name });
    await this.button('Join').click();
  }

  // Types `times`, such as { Began: ['2026-10-24', '20:00'] }, in the sheet that is open.
  async typeTimes(times) {
    for (const [label, [date, time]] of Object.entries(times)) {
      const group = this.page.getByRole('dialog').getByRole('group', { name: label, exact: true });
      await group.getByLabel('Date').fill(date);
      await group.getByLabel(label, { exact: true }).fill(time);
    }
  }

  // What axe finds wrong with the page once nothing moves, as sentences.
  async faults() {
    return this.page.evaluate(async () => {
      await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
      const { violations } = await globalThis.axe.run(document, { runOnly: tags });
      return violations.map(({ help, nodes }) => `${help}: ${nodes.map((n) => n.html).join(' ')}`);
    });
  }
}

class Stage {
  zone = eveningZone();
  #folder;
  #people = [];
  #heard = [];

  async open() {
    this.#folder = await mkdtemp(path.join(tmpdir(), 'nightlog-browser-'));
    await this.startServer();
  }

  // On the port that the phones know.
  async startServer() {
    const port = this.server ? new URL(this.server.url).port : 0;
    this.server = await startDaemon({
      data: this.data,
      port,
      flags: [`--web_root=${process.env.WEB_ROOT}`, `--backup_dir=${this.#folder}/backups`],
    });
  }

  async restoreNewestBackup() {
    const program = path.join(path.dirname(process.env.NIGHTLOGD), 'nightlogctl');
    await promisify(execFile)(program,
      [`--data_dir=${this.data}`, `--backup_dir=${this.#folder}/backups`, 'restore', 'latest']);
  }

  get data() {
    return `${this.#folder}/data`;
  }

  // Where a test may put files of its own.
  file(name) {
    return path.join(this.#folder, name);
  }

  // Runs the command line on the phone of this name; what it prints.
  async nightlog(phone, ...words) {
    const env = { ...process.env, NIGHTLOG_STATE: this.file(`phone-${phone}`) };
    return (await promisify(execFile)(process.env.NIGHTLOG, words, { env })).stdout;
  }

  // `textPx`: how large the browser was told to write, of 16; `viewport`: another phone than ours.
  async person(name, {
    zone = this.zone, aheadMs = 0, desk = false, judged = false, textPx, viewport,
  } = {}) {
    const look = {
      viewport: viewport ?? (desk ? kDesk : kPhone), locale: 'en-GB', timezoneId: zone,
      reducedMotion: 'reduce',
    };
    const context = await (textPx ? this.#writingIn(textPx, look) : browser.newContext(look));
    context.setDefaultTimeout(kPatienceMs);
    context.on('weberror', (error) => this.#heard.push(`${name}: ${error.error().stack}`));
    context.on('console', (message) => {
      if (message.type() === 'error') this.#heard.push(`${name}: ${message.text()}`);
    });
    if (aheadMs) await context.addInitScript(shiftClock, aheadMs);
    if (judged) await context.addInitScript(axe);
    const person = new Person(name, context, await context.newPage(), this.server.url);
    this.#people.push(person);
    return person;
  }

  // A browser whose settings say how large its text is, which only a profile on the disk can.
  async #writingIn(textPx, look) {
    const profile = await mkdtemp(this.file('profile-'));
    await mkdir(`${profile}/Default`);
    await writeFile(`${profile}/Default/Preferences`,
      JSON.stringify({ webkit: { webprefs: { default_font_size: textPx } } }));
    return chromium.launchPersistentContext(profile, { ...kBrowser, ...look });
  }

  // Alex has a family with the child Robin, and the screen of the night before her.
  async family(options) {
    const alex = await this.person('Alex', options);
    await alex.open('');
    await alex.page.getByRole('link', { name: 'Start a family' }).click();
    await alex.fill({ 'Your name': 'Alex', 'Name of the family': 'The Robins' });
    await alex.button('Start').click();
    await alex.fill({ 'Name of the child': 'Robin', 'Birth date': '2026-02-01' });
    await alex.button('Save').click();
    return alex;
  }

  // Alex and her partner Sam, each with the screen of the night before them; `sam`: his options.
  async twoPhones({ sam: his, ...hers } = {}) {
    const alex = await this.family(hers);
    await alex.button('Invite your partner').click();
    const sam = await this.person('Sam', his);
    await sam.join(await alex.makeCode());
    await alex.button('Next').click();
    for (const person of [alex, sam]) {
      await person.button('Go to tonight').click();
      await person.sync(/^Synced/).waitFor();
    }
    return [alex, sam];
  }

  async tellWhatWasHeard() {
    for (const line of this.#heard) console.error(line);
    for (const { name, page } of this.#people) {
      console.error(`${name} sees:\n${await page.locator('body').innerText().catch(String)}`);
    }
  }

  async close() {
    for (const { context } of this.#people) await context.close();
    await this.server?.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

// A test with a stage of its own. When it fails, what the pages logged and showed is printed.
export function scene(name, play) {
  test(name, async () => {
    const stage = new Stage();
    try {
      await stage.open();
      await play(stage);
    } catch (error) {
      await stage.tellWhatWasHeard();
      throw error;
    } finally {
      await stage.close();
    }
  });
}
