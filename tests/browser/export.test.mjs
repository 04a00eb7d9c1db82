// A family is taken away as a file, which another server takes to the last bit; as tables; and as a
// diary to print.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { startDaemon } from '../interop/nightlogd.mjs';
import { scene } from './stage.mjs';

// Alex's and Sam's phones have the command line, and two nights with a conflict, a thread, a plan
// and a deletion. Returns what runs a command on one of them.
async function livedIn(stage) {
  const alex = (...words) => stage.nightlog('alex', ...words);
  const sam = (...words) => stage.nightlog('sam', ...words);
  const made = (printed) => JSON.parse(printed).record_ids[0];
  const { address } = stage.server;
  await alex('family', 'create', 'The Robins', '--name', 'Alex', '--server', address);
  await alex('child', 'add', 'Robin', '--zone', stage.zone);
  const { code } = JSON.parse(await alex('--json', 'invite', '--role', 'caregiver'));
  await sam('join', code, '--name', 'Sam', '--server', address);
  await alex('plan', 'set', '--method', 'chair', '--first-night', '2026-01-10');
  await alex('log', 'down', '--at', '2026-01-10 19:30');
  const sleep = made(await alex('--json', 'log', 'asleep', '--at', '2026-01-10 20:00', '--end',
    '2026-01-11 06:00', '--text', '"müde", \\ und\nhungrig'));
  await sam('sync');
  await alex('--offline', 'edit', sleep, '--at', '2026-01-10 20:10');
  await sam('--offline', 'edit', sleep, '--at', '2026-01-10 20:25');
  await alex('sync');
  await sam('sync');
  await alex('comment', 'slept like a marmot', '--night', '2026-01-10');
  await alex('delete', made(await alex('--json', 'log', 'note', '--text', 'gone')));
  return { alex, sam };
}

// A further device of Alex's, which shows what the server has.
async function tabletOf(stage, alex) {
  const { code } = JSON.parse(await alex('--json', 'invite', '--member', 'Alex'));
  const tablet = await stage.person('', { judged: true });
  await tablet.join(code);
  await tablet.button('Go to tonight').click();
  await tablet.sync(/^Synced/).waitFor();
  return tablet;
}

// Taps a button; the file that it downloads, kept as `name`.
async function downloadOf(stage, person, button, name) {
  const downloading = person.page.waitForEvent('download');
  await person.button(button).click();
  const download = await downloading;
  const file = stage.file(name);
  await download.saveAs(file);
  return { suggested: download.suggestedFilename(), file };
}

// The cells of a table, as RFC 4180 says.
function cellsOf(csv) {
  const rows = [[]];
  assert.ok(csv.endsWith('\r\n'));
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy)) {
    rows.at(-1).push(plain ?? quoted.replaceAll('""', '"'));
    if (end !== ',') rows.push([]);
  }
  assert.deepEqual(rows.pop(), []);
  return rows;
}

// Lists of messages are compared by what they say, and times to the microsecond that the app keeps.
function said(cell) {
  const micros = (text) => text.replace(/(?<=T\d\d:\d\d:)[\d.]+(?=Z)/g, (s) => Number(s).toFixed(6));
  return cell.startsWith('[') ? JSON.parse(micros(cell)) : micros(cell);
}

// What a page of the diary shows: its words, and where on the line its bars and marks are.
function papersOf(page, places) {
  return page.evaluate(({ paper, title, bar, nap, mark }) => {
    const words = (cell) => cell.innerText.trim();
    const tenths = (percent) => Number.parseFloat(percent).toFixed(1);
    const place = (part) => [
      tenths(part.getAttribute('x') ?? part.style.left),
      tenths(part.getAttribute('width') ?? part.style.width),
      part.matches(nap) ? 'nap' : part.textContent,
    ];
    const placesIn = (cell) => [...cell.querySelectorAll(`${bar}, ${mark}`)].map(place)
      .sort(([a], [b]) => a - b);
    return [...document.querySelectorAll(paper)].map((section) => ({
      title: words(section.querySelector(title)),
      about: words(section.querySelector('p')),
      rows: [...section.querySelectorAll('tr')].map((row) => [...row.cells].map((cell) => (
        cell.matches('.bar') ? placesIn(cell) : words(cell)
      ))),
    }));
  }, places);
}

const linesOf = (text) => text.trimEnd().split('\n').map((line) => JSON.parse(line));
const byId = (lines) => new Map(lines.map((line) => [line.record.record_id, line]));

scene('what is downloaded is the family, and another server takes all of it', async (stage) => {
  const { alex } = await livedIn(stage);
  const tablet = await tabletOf(stage, alex);
  // What does not reach the server cannot be in the file.
  await tablet.page.route('**/Push', (route) => route.abort());
  await tablet.tap('Put down');
  await tablet.open('#/family');
  await tablet.page.route('**/ExportFamily', async (route) => {
    await tablet.page.getByText('Asking the server').waitFor();
    await route.continue();
  });
  const { suggested, file } = await downloadOf(stage, tablet, 'Download everything', 'robins.jsonl');
  assert.match(suggested, /^nightlog-The-Robins-\d{4}-\d\d-\d\d\.jsonl$/);
  const [head, ...lines] = linesOf(await readFile(file, 'utf8'));
  await tablet.page.getByText(`The file holds ${lines.length} records.`).waitFor();
  await tablet.page.getByText('1 tap is not on the server yet, and not in the file.').waitFor();
  assert.deepEqual(await tablet.faults(), []);

  // The command line writes the same.
  const [itsHead, ...itsLines] = linesOf(await alex('export'));
  assert.deepEqual({ ...head, exported_at: '' }, { ...itsHead, exported_at: '' });
  assert.deepEqual(byId(lines), byId(itsLines));

  const other = await startDaemon();
  try {
    const report = JSON.parse(await stage.nightlog('elsewhere', '--json', 'family', 'import', file,
      '--server', other.address));
    assert.equal(report.equal, true);
    assert.equal(report.state_hash, head.state_hash);
    assert.equal(JSON.parse(await alex('--json', 'sync')).state_hash, head.state_hash);
    const { conflicts } = JSON.parse(await stage.nightlog('elsewhere', '--json', 'conflicts'));
    assert.equal(conflicts.length, 1);
  } finally {
    assert.equal(await other.stop(), 0);
  }

  // It is no log of another app.
  await tablet.page.getByRole('link', { name: 'Import from another app' }).click();
  await tablet.page.getByLabel('File', { exact: true }).setInputFiles(file);
  await tablet.page.getByText('This is a whole family, as nightlog itself saved it.').waitFor();
  assert.ok(await tablet.button('Look into the file').isDisabled());
});

scene('the tables and the diary are those of the command line, without a network too', async (stage) => {
  const { alex } = await livedIn(stage);
  const log = (...words) => alex('log', ...words);
  await log('awake', '--at', '2026-01-11 02:00', '--end', '2026-01-11 02:37');
  await log('respond', '2', '--at', '2026-01-11 02:10', '--action', '-sang, "softly"',
    '--position', 'beside_crib');
  await log('up', '--at', '2026-01-11 06:30');
  await log('asleep', '--at', '2026-01-11 09:00', '--for', '40m', '--place', 'stroller');
  await log('feed', '--at', '2026-01-11 12:30', '--kind', 'bottle', '--oz', '4');
  await log('down', '--at', '2026-02-20 19:00');
  await log('asleep', '--at', '2026-02-20 19:20', '--end', '2026-02-21 05:41');
  await log('note', '--at', '2026-02-20 23:00', '--text', '=SUM(A1)\r\n<b>', '--tag', '@home');
  await alex('comment', 'and “again”,\ntwice', '--night', '2026-01-10');
  await alex('sync');
  const tablet = await tabletOf(stage, alex);
  await tablet.open('#/family');
  await tablet.page.evaluate(() => navigator.serviceWorker.ready);
  await tablet.context.setOffline(true);

  const { suggested, file } = await downloadOf(stage, tablet, 'Download tables', 'robins.zip');
  assert.match(suggested, /^nightlog-The-Robins-\d{4}-\d\d-\d\d\.zip$/);
  await tablet.page.getByText(/^The file holds \d+ records\.$/).waitFor();
  assert.deepEqual(await tablet.faults(), []);
  const ours = stage.file('ours');
  await promisify(execFile)('python3', ['-m', 'zipfile', '-e', file, ours]);
  const its = stage.file('its');
  await alex('export', '--format', 'csv', '--out', its);
  const names = (await readdir(its)).sort();
  assert.deepEqual((await readdir(ours)).sort(), names);
  for (const name of names) {
    const [table, itsTable] = await Promise.all([ours, its].map(async (folder) =>
      cellsOf(await readFile(`${folder}/${name}`, 'utf8')).map((row) => row.map(said))));
    assert.ok(itsTable.length > 1, name);
    assert.deepEqual(table, itsTable, name);
  }

  await tablet.page.getByRole('link', { name: 'Sleep diary' }).click();
  await tablet.page.getByRole('radio', { name: 'All' }).check();
  await tablet.page.getByText('2026-02-20', { exact: false }).first().waitFor();
  assert.deepEqual(await tablet.faults(), []);
  const cli = await stage.person('the command line');
  await cli.page.setContent(await alex('export', '--format', 'diary'));
  const papers = await papersOf(tablet.page,
    { paper: '.diary-paper', title: 'h2', bar: 'td .sleep, td .nap', nap: '.nap', mark: 'td text' });
  const itsPapers = await papersOf(cli.page,
    { paper: 'section', title: 'h1', bar: 'td i', nap: '.nap', mark: 'td b' });
  assert.equal(itsPapers.length, 2);
  assert.equal(itsPapers[0].rows[1][1].length, 5);
  assert.deepEqual(papers, itsPapers);

  // A page of paper holds a page of the diary, here and across the ocean.
  for (const [format, box] of [['A4', '842'], ['Letter', '792']]) {
    const pdf = (await tablet.page.pdf({ format, preferCSSPageSize: true })).toString('latin1');
    const sheets = [...pdf.matchAll(/\/MediaBox \[0 0 (\d+)/g)].map(([, width]) => width);
    assert.deepEqual(sheets, [box, box], format);
  }

  await tablet.page.setViewportSize({ width: 320, height: 640 });
  assert.equal(await tablet.page.evaluate(() => document.documentElement.scrollWidth), 320);
  await tablet.page.getByRole('radio', { name: 'The last two weeks' }).check();
  await tablet.page.getByText('2026-01-10').first().waitFor({ state: 'detached' });
  await tablet.page.evaluate(() => localStorage.setItem('nightlog.locale', 'de'));
  await tablet.page.reload();
  await tablet.page.getByRole('columnheader', { name: 'Nacht vom' }).waitFor();
});

scene('who reads along takes what they see, but no copy of everything', async (stage) => {
  const { alex } = await livedIn(stage);
  const { code } = JSON.parse(await alex('--json', 'invite', '--role', 'viewer'));
  const wren = await stage.person('Wren', { judged: true });
  await wren.join(code);
  await wren.button('Go to tonight').click();
  await wren.sync(/^Synced/).waitFor();
  await wren.open('#/family');
  const { file } = await downloadOf(stage, wren, 'Download tables', 'wren.zip');
  const listed = await promisify(execFile)('python3', ['-m', 'zipfile', '-l', file]);
  assert.match(listed.stdout, /^log_entries\.csv /m);
  assert.equal(await wren.button('Download everything').count(), 0);
  await wren.page.getByRole('link', { name: 'Sleep diary' }).click();
  await wren.page.getByRole('rowheader', { name: 'Sat 2026-01-10' }).waitFor();
  assert.deepEqual(await wren.faults(), []);
});

scene('a download that fails says so in the language of the reader', async (stage) => {
  const alex = await stage.family();
  await alex.page.getByRole('heading', { name: 'Who else is up at night?' }).waitFor();
  await alex.page.evaluate(() => localStorage.setItem('nightlog.locale', 'de'));
  await alex.open('#/family');
  await alex.page.reload();
  await alex.page.route('**/ExportFamily', (route) => route.abort());
  await alex.button('Alles herunterladen').click();
  await alex.page.getByRole('alert').getByText('Der Server ist nicht erreichbar.').waitFor();
  await alex.page.unroute('**/ExportFamily');
  const downloading = alex.page.waitForEvent('download');
  await alex.button('Alles herunterladen').click();
  await downloading;
  await alex.page.getByText(/^Die Datei enthält \d+ Datensätze\.$/).waitFor();
  await alex.page.getByRole('alert').getByText('Der Server').waitFor({ state: 'detached' });
});
