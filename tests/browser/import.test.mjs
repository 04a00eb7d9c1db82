// The log of another app is taken over on the screen, and once, whoever imports it.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';

import { scene } from './stage.mjs';

const kHeading = 'Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes\n';
// The clocks went back in that night; the third row ends before it begins.
const kNight = `${kHeading}Sleep,2025-10-25 18:30,2025-10-26 06:00,11:30,Calm,On own in bed,,
Feed,2025-10-26 06:10,,,Formula,Bottle,120ml,
Sleep,2025-10-26 10:00,2025-10-26 09:00,,,,,
`;

const csv = (name, text) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

// Looks into a file; returns once the screen says what is in it.
async function look(person, file, report) {
  await person.page.getByLabel('File', { exact: true }).setInputFiles(file);
  await person.button('Look into the file').click();
  await person.page.getByRole('region', { name: report }).waitFor();
}

async function openImport(person) {
  await person.open('#/family');
  await person.page.getByRole('link', { name: 'Import from another app' }).click();
  await person.page.getByLabel('Time zone of its times').selectOption('Europe/London');
}

// On the narrowest phone nothing hangs over the edge.
async function fitsNarrowest(person) {
  await person.page.setViewportSize({ width: 320, height: 640 });
  assert.equal(await person.page.evaluate(() => document.documentElement.scrollWidth), 320);
}

scene('a file is looked into, imported, and has nothing new after that', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ judged: true });
  await openImport(alex);
  assert.deepEqual(await alex.faults(), []);
  await look(alex, csv('log.csv', kNight), 'In the file (Huckleberry)');
  const report = alex.page.getByRole('region', { name: 'In the file (Huckleberry)' });
  for (const words of ['3 rows read', '2 new entries', 'Nothing is saved yet.']) {
    await report.getByText(words, { exact: true }).waitFor();
  }
  await report.getByText('1 row set aside').click();
  await report.getByText('Line 4: it ends before it begins').waitFor();
  assert.deepEqual(await alex.faults(), []);
  await fitsNarrowest(alex);

  // A dry run is none: the other phone has nothing.
  await sam.open('#/tonight/night/2025-10-25');
  await sam.page.getByText('Nothing logged').waitFor();
  await report.getByRole('button', { name: 'Import 2 entries for Robin' }).click();
  const done = alex.page.getByRole('region', { name: 'Imported' });
  await done.getByText('2 entries are saved on this device.').waitFor();
  await done.getByText('All of it is on the server.').waitFor();
  assert.deepEqual(await alex.faults(), []);
  await sam.page.getByText('11 hr 30 min').first().waitFor();
  await sam.open('#/tonight/nights');
  // What came while the app was open is in memory, however old; after a start it is read when asked for.
  await sam.page.reload();
  const older = sam.button('Older nights');
  await older.waitFor();
  while ((await older.count()) > 0) await older.click();
  await sam.page.getByRole('listitem').last().getByText('11 hr 30 min').waitFor();

  const file = alex.page.getByLabel('File', { exact: true });
  await file.setInputFiles(csv('log.xlsx', 'PK\x03\x04'));
  await alex.page.getByText('This is not a CSV file.').waitFor();
  assert.ok(await alex.button('Look into the file').isDisabled());
  await done.waitFor({ state: 'detached' });
  await file.setInputFiles(csv('log.csv', kNight));
  // The line is slow enough to be seen.
  await alex.page.route('**/ReadLog', async (route) => {
    await alex.page.getByText('The file is being read').waitFor();
    await route.continue();
  });
  await alex.button('Look into the file').click();
  await report.getByText('2 entries are here already', { exact: true }).waitFor();
  await report.getByText('There is nothing new to import.').waitFor();
});

scene('what the command line imported is not imported again', async (stage) => {
  const alex = await stage.family();
  await alex.button('Invite your partner').click();
  const code = await alex.makeCode();
  await alex.button('Next').click();
  const log = stage.file('log.csv');
  await writeFile(log, kNight);
  await stage.nightlog('sam', 'join', code, '--name', 'Sam', '--server', stage.server.address);
  await stage.nightlog('sam', 'import', log, '--zone', 'Europe/London');
  await alex.button('Go to tonight').click();
  await alex.open('#/tonight/night/2025-10-25');
  await alex.page.getByText('11 hr 30 min').first().waitFor();
  await openImport(alex);
  await look(alex, csv('log.csv', kNight), 'In the file (Huckleberry)');
  await alex.page.getByText('2 entries are here already', { exact: true }).waitFor();
  await alex.page.getByText('There is nothing new to import.').waitFor();
});

scene('of a file about several children one is chosen', async (stage) => {
  const alex = await stage.family();
  await alex.page.getByRole('heading', { name: 'Who else is up at night?' }).waitFor();
  await openImport(alex);
  const rows = 'Baby,Time,Duration(minutes),Note\nRobin,1/13/26 19:54,30,\nWren,1/13/26 20:00,9,\n';
  await alex.page.getByLabel('File', { exact: true }).setInputFiles(csv('sleep.csv', rows));
  await alex.button('Look into the file').click();
  await alex.page.getByRole('alert').getByText('The file is about Robin, Wren.').waitFor();
  await alex.page.getByLabel('Wren', { exact: true }).check();
  await alex.button('Look into the file').click();
  const report = alex.page.getByRole('region', { name: 'In the file (Baby Tracker)' });
  await report.getByText('1 new entry', { exact: true }).waitFor();
  await report.getByText('1 row is about another child').waitFor();
  // What was read of Wren's is not what Robin's would be.
  await alex.page.getByLabel('Robin', { exact: true }).check();
  await report.waitFor({ state: 'detached' });
});

scene('the columns of an unknown file are named, in German too', async (stage) => {
  const alex = await stage.family({ judged: true });
  await alex.page.getByRole('heading', { name: 'Who else is up at night?' }).waitFor();
  await openImport(alex);
  const file = alex.page.getByLabel('File', { exact: true });
  await file.setInputFiles(csv('mine.csv', 'Wann,Bis\n2025-10-25 19:00,2025-10-26 05:00\n'));
  await alex.button('Look into the file').click();
  await alex.page.getByRole('alert').getByText('say which column holds what').waitFor();
  await alex.page.getByLabel('Began', { exact: true }).selectOption('Wann');
  await alex.page.getByLabel('Ended', { exact: true }).selectOption('Bis');
  assert.deepEqual(await alex.faults(), []);
  await alex.page.evaluate(() => localStorage.setItem('nightlog.locale', 'de'));
  await alex.button('Look into the file').click();
  await alex.page.getByText('1 new entry', { exact: true }).waitFor();
  await alex.button('Import 1 entry for Robin').click();
  await alex.page.getByText('1 entry is saved on this device.').waitFor();

  await alex.page.reload();
  await alex.page.getByRole('heading', { name: 'Aus einer anderen App übernehmen' }).waitFor();
  const large = csv('large.csv', `Wann\n${'2025-10-25 19:00\n'.repeat(1_000_000)}`);
  await alex.page.getByLabel('Datei', { exact: true }).setInputFiles(large);
  await alex.page.getByText('Diese Datei ist größer als 16 MB.').waitFor();
  assert.ok(await alex.button('Datei ansehen').isDisabled());
  const many = csv('many.csv', `Wann\n${'2025-10-25 19:00\n'.repeat(50_000)}`);
  await alex.page.getByLabel('Datei', { exact: true }).setInputFiles(many);
  await alex.page.getByText('Die Datei hat mehr als 50.000 Zeilen.').waitFor();
  assert.ok(await alex.button('Datei ansehen').isDisabled());
  assert.deepEqual(await alex.faults(), []);
});

scene('whose entries they are, what they are and of which nights is chosen', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ judged: true });
  await openImport(alex);
  const rows = `Start,End,Type,Caregiver
2026-01-13 20:00,2026-01-14 06:00,Zzz,sam
2026-01-14 20:00,2026-01-14 20:20,Wah,Nanny Finch, who comes on Tuesdays and on Thursdays
2026-01-15 20:00,2026-01-16 06:30,Zzz,Wren
2026-01-16 20:00,2026-01-17 07:00,Zzz,sam
`.replace(/Nanny .*/, (name) => `"${name}"`);
  await alex.page.getByLabel('File', { exact: true }).setInputFiles(csv('mine.csv', rows));
  await alex.page.getByLabel('Which app wrote it?').selectOption('Another CSV, by its columns');
  await alex.button('Look into the file').click();
  const report = alex.page.getByRole('region', { name: 'In the file (Another CSV, by its columns)' });
  await report.getByText('4 new entries', { exact: true }).waitFor();

  const zzz = alex.page.getByLabel('“Zzz” (3×)');
  assert.equal(await zzz.inputValue(), 'note');
  await zzz.selectOption('Sleep');
  // What it means is not read yet.
  await report.waitFor({ state: 'detached' });
  await alex.page.getByLabel('“Wah” (1×)').selectOption('Crying');
  await alex.button('Look into the file').click();
  await report.waitFor();
  assert.equal(await zzz.inputValue(), 'sleep');

  // Who is called like a member is that member.
  const his = report.getByLabel('“sam” (2×)');
  assert.equal(await his.evaluate((list) => list.selectedOptions[0].label), 'Sam');
  await report.getByLabel('“Wren” (1×)').selectOption('Leave it out');
  await report.getByText('Only some nights').click();
  await report.getByLabel('Last night').fill('2026-01-15');
  await report.getByText('2 entries are left out', { exact: true }).waitFor();
  assert.deepEqual(await alex.faults(), []);
  await fitsNarrowest(alex);
  await report.getByRole('button', { name: 'Import 2 entries for Robin' }).click();
  await alex.page.getByText('All of it is on the server.').waitFor();

  await sam.open('#/tonight/night/2026-01-13');
  await sam.page.getByRole('button').filter({ hasText: 'Asleep' }).filter({ hasText: 'You' })
    .waitFor();
  await sam.open('#/tonight/night/2026-01-14');
  await sam.page.getByRole('button').filter({ hasText: 'Crying' }).waitFor();
  for (const night of ['2026-01-15', '2026-01-16']) {
    await sam.open(`#/tonight/night/${night}`);
    await sam.page.getByText('Nothing logged').waitFor();
  }
});

scene('a file of several megabytes is sent in parts, and imported', async (stage) => {
  const alex = await stage.family({ judged: true });
  await alex.page.getByRole('heading', { name: 'Who else is up at night?' }).waitFor();
  await openImport(alex);
  const rows = Array.from({ length: 900 }, (_, i) => {
    const at = new Date(Date.UTC(2025, 5, 1) + i * 3_600_000).toISOString().slice(0, 16);
    return `Diaper,${at.replace('T', ' ')},,,,,,${'z'.repeat(3500)}\n`;
  });
  const file = csv('large.csv', kHeading + rows.join(''));
  assert.ok(file.buffer.length > 3_000_000);
  // The line is slow enough to be seen.
  const parts = [];
  await alex.page.route('**/UploadLog', async (route) => {
    parts.push(await alex.page.getByRole('progressbar').getAttribute('value'));
    await alex.page.getByText(/^\d+% of the file is sent$/).waitFor();
    if (parts.length === 2) assert.deepEqual(await alex.faults(), []);
    await route.continue();
  });
  await look(alex, file, 'In the file (Huckleberry)');
  assert.ok(parts.length > 10, parts.join());
  assert.ok(Number(parts.at(-1)) > Number(parts[1]), parts.join());
  await alex.button('Import 900 entries for Robin').click();
  await alex.page.getByText('900 entries are saved on this device.').waitFor();
  await alex.page.getByText('All of it is on the server.').waitFor();
});
