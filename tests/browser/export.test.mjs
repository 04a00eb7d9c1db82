// A family is taken away as a file, which another server takes to the last bit.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

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

const linesOf = (text) => text.trimEnd().split('\n').map((line) => JSON.parse(line));
const byId = (lines) => new Map(lines.map((line) => [line.record.record_id, line]));

scene('what is downloaded is the family, and another server takes all of it', async (stage) => {
  const { alex } = await livedIn(stage);
  const { code } = JSON.parse(await alex('--json', 'invite', '--member', 'Alex'));
  const tablet = await stage.person('', { judged: true });
  await tablet.join(code);
  await tablet.button('Go to tonight').click();
  await tablet.sync(/^Synced/).waitFor();
  // What does not reach the server cannot be in the file.
  await tablet.page.route('**/Push', (route) => route.abort());
  await tablet.tap('Put down');
  await tablet.open('#/family');
  await tablet.page.route('**/ExportFamily', async (route) => {
    await tablet.page.getByText('Asking the server').waitFor();
    await route.continue();
  });
  const downloading = tablet.page.waitForEvent('download');
  await tablet.button('Download everything').click();
  const download = await downloading;
  assert.match(download.suggestedFilename(), /^nightlog-The-Robins-\d{4}-\d\d-\d\d\.jsonl$/);
  const file = stage.file('robins.jsonl');
  await download.saveAs(file);
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
