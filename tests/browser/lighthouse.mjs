// Measures the built app, by hand, on a machine that does nothing else: Lighthouse's scores for the
// phone's pages and the consultant's desk, how long a tap takes until it is saved durably and said to
// be, and how long a start without a network takes.
// Usage, in this folder: npm install --no-save --ignore-scripts lighthouse@12
//   NIGHTLOGD=.../services/nightlogd WEB_ROOT=.../clients/web/dist node lighthouse.mjs
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import lighthouse, { desktopConfig } from 'lighthouse';
import { chromium } from 'playwright-core';

import { startDaemon } from '../interop/nightlogd.mjs';
import { eveningZone } from './evening.mjs';

const kTaps = 30;
const kReloads = 5;
// The app takes two hits of one place within 400 ms for one.
const kTapEveryMs = 450;
// Of a phone that is in a family.
const kPages = {
  tonight: '#/tonight',
  nights: '#/tonight/nights',
  plan: '#/tonight/plan',
  family: '#/family',
};
const kCategories = ['performance', 'accessibility', 'best-practices'];

const percentile = (values, share) =>
  Math.round([...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1]);

// Runs in each page: notes when tonight's large button is first there.
function noteFirstButton() {
  new MutationObserver((_, observer) => {
    if (!document.querySelector('.thumb-main')) return;
    globalThis.buttonAt = performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
}

// Runs in the page: the next tap's milliseconds, from the pointer's event to the line that says
// "saved", which the app shows once IndexedDB has written the tap to the disk.
function awaitTap() {
  const line = () => document.querySelector('.toast-place').textContent;
  const before = line();
  let began;
  addEventListener('pointerdown', ({ timeStamp }) => { began = timeStamp; }, { once: true });
  globalThis.tapMs = new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      if (line() === before || !line().includes('Saved on this phone')) return;
      observer.disconnect();
      resolve(performance.now() - began);
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}

const load = () => loadavg().map((value) => value.toFixed(1)).join(' ');
const daemon = await startDaemon({ flags: [`--web_root=${process.env.WEB_ROOT}`] });
const profiles = await mkdtemp(path.join(tmpdir(), 'nightlog-lighthouse-'));
let context;
let port;
// Whose browser it is: the phone's, or the one on the consultant's desk.
let onDesk = false;
const openBrowser = async () => {
  await context?.close();
  const profile = path.join(profiles, onDesk ? 'desk' : 'phone');
  context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--remote-debugging-port=0'],
    viewport: onDesk ? { width: 1280, height: 800 } : { width: 390, height: 844 },
    // Lighthouse's own pages, too, have the evening that the taps are of.
    env: { ...process.env, TZ: eveningZone() },
  });
  port = Number.parseInt(await readFile(path.join(profile, 'DevToolsActivePort'), 'utf8'), 10);
};
try {
  const judge = async (name, place) => {
    // In a process that has shown pages before, what the developer tools do with its memory is
    // counted as the page's work.
    await openBrowser();
    // Lighthouse imitates a slow phone, or a laptop; what the page has stored must stay.
    const { lhr } = await lighthouse(daemon.url + place,
      { port, onlyCategories: kCategories, disableStorageReset: true, logLevel: 'error' },
      onDesk ? desktopConfig : undefined);
    const scores = kCategories.map((each) => `${each} ${lhr.categories[each].score}`);
    console.log(`${name}: ${scores.join(', ')} (load ${load()})`);
    for (const each of kCategories) {
      for (const { id } of lhr.categories[each].auditRefs) {
        const { score, title, displayValue = '' } = lhr.audits[id];
        if (score !== null && score < 0.9) console.log(`  ${id} ${score}: ${title} ${displayValue}`);
      }
    }
  };
  await judge('start', '');

  const page = await context.newPage();
  await page.addInitScript(noteFirstButton);
  await page.goto(`${daemon.url}#/family/setup`);
  await page.getByLabel('Your name', { exact: true }).fill('Alex');
  await page.getByLabel('Name of the family').fill('The Robins');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByLabel('Name of the child').fill('Robin');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'Invite a consultant' }).click();
  await page.getByRole('button', { name: 'Make the code' }).click();
  const code = await page.getByText(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/).innerText();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.goto(`${daemon.url}#/family`);
  const importing = page.getByRole('link', { name: 'Import from another app' });
  kPages.import = await importing.getAttribute('href');
  kPages.diary = await page.getByRole('link', { name: 'Sleep diary' }).getAttribute('href');
  await page.goto(`${daemon.url}#/tonight`);

  const taps = [];
  for (let i = 0; i < kTaps; ++i) {
    await delay(kTapEveryMs);
    await page.evaluate(awaitTap);
    await page.locator('.thumb-main').click();
    taps.push(await page.evaluate(() => globalThis.tapMs));
  }
  console.log(`tap to saved: median ${percentile(taps, 0.5)} ms, p95 ${percentile(taps, 0.95)} ms `
    + `of ${kTaps} (load ${load()})`);

  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  const reloads = [];
  for (let i = 0; i < kReloads; ++i) {
    await page.reload();
    await page.locator('.thumb-main').waitFor();
    reloads.push(await page.evaluate(() => globalThis.buttonAt));
  }
  console.log(`reload without a network to the large button: ${reloads.map(Math.round).join(' ')} ms `
    + `(load ${load()})`);
  for (const [name, place] of Object.entries(kPages)) await judge(name, place);

  onDesk = true;
  await openBrowser();
  const desk = await context.newPage();
  await desk.goto(`${daemon.url}#join=${code}`);
  await desk.getByLabel('Your name', { exact: true }).fill('Dana');
  await desk.getByRole('button', { name: 'Join' }).click();
  await desk.getByRole('row').filter({ hasText: 'Robin' }).getByRole('link').first().click();
  await desk.waitForURL(/#\/desk\/.+/);
  const child = new URL(desk.url()).hash;
  await judge('caseload', '#/desk');
  await judge("a child's page", child);
} finally {
  await context?.close();
  await daemon.stop();
  await rm(profiles, { recursive: true, force: true });
}
