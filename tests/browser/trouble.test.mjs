// What goes wrong around the phones: servers that end or are lost, clocks that are wrong or change.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';

import { scene, timeIn } from './stage.mjs';

scene('the phones go on when the server ends, and are in step once it is back', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  assert.equal(await stage.server.stop(), 0);
  await alex.sync(/^Offline/).waitFor();
  await alex.tap('Put down');
  await alex.sync('Offline. Saved here, 1 to send').waitFor();
  await stage.startServer();
  await sam.now('Settling').waitFor();
  await alex.sync(/^Synced/).waitFor();
});

scene('the phones bring back what a restored server lacks', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  await alex.tap('Put down');
  await sam.now('Settling').waitFor();
  const made = stage.server.logged('backup made');
  stage.server.kill('SIGUSR1');
  await made;
  await alex.tap('Asleep');
  await sam.now('Asleep').waitFor();
  // It ends Alex's sleep, which the restored server gets from Alex alone, maybe after this.
  await sam.tap('Crying');
  await alex.now('Crying').waitFor();

  await stage.server.stop();
  await rm(stage.data, { recursive: true });
  await stage.restoreNewestBackup();
  await stage.startServer();
  for (const person of [alex, sam]) await person.sync(/^Synced/).waitFor();

  // A new device has nothing but what the server gives it.
  await alex.open('#/family');
  await alex.button('Add a device of your own').click();
  const tablet = await stage.person('');
  await tablet.join(await alex.makeCode());
  await tablet.button('Go to tonight').click();
  await tablet.now('Crying').waitFor();
  for (const words of ['Put down', 'Asleep', 'Crying']) {
    assert.equal(await tablet.entry(words).count(), 1, words);
  }
});

scene('a tap of a phone whose clock is an hour ahead gets its true time', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ sam: { aheadMs: 3_600_000 } });
  const before = Date.now();
  await sam.tap('Put down');
  await alex.now('Settling').waitFor();
  const trueTimes = new Set([before, Date.now()].map((at) => timeIn(stage.zone, at)));
  for (const person of [alex, sam]) {
    await person.sync(/^Synced/).waitFor();
    const words = await person.entry('Put down').innerText();
    assert.ok([...trueTimes].some((time) => words.includes(time)), `${person.name}: ${words}`);
  }
});

scene('a phone whose clock is behind ends what began later than its clock', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ sam: { aheadMs: -3 * 3_600_000 } });
  const before = Date.now();
  await alex.tap('Put down');
  await alex.tap('Asleep');
  await sam.now('Asleep').waitFor();
  await sam.tap('Crying');
  await alex.now('Crying').waitFor();
  const trueTimes = [before, Date.now()].map((at) => timeIn(stage.zone, at));
  for (const person of [alex, sam]) {
    await person.sync(/^Synced/).waitFor();
    const words = await person.entry('Asleep').innerText();
    const ended = words.match(/\d\d:\d\d – (\d\d:\d\d)/)?.[1];
    assert.ok(trueTimes.includes(ended), `${person.name}: ${words}`);
  }
});

// The night in which the clocks of central Europe last went back: the dates of its two days.
function lastLongNight() {
  const lastSunday = (year) => {
    const last = new Date(Date.UTC(year, 9, 31));
    return Date.UTC(year, 9, 31 - last.getUTCDay());
  };
  const dayMs = 86_400_000;
  const year = new Date().getUTCFullYear();
  const sunday = lastSunday(lastSunday(year) + dayMs < Date.now() ? year : year - 1);
  return [sunday - dayMs, sunday].map((at) => new Date(at).toISOString().slice(0, 10));
}

scene('the hour that comes twice is asked about, and both phones count it', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ zone: 'Europe/Berlin', sam: { zone: 'America/New_York' } });
  const [evening, morning] = lastLongNight();
  await alex.open(`#/tonight/night/${evening}`);
  await alex.button('Add').click();
  await alex.typeTimes({ Began: [evening, '20:00'] });
  await alex.button('Add an end').click();
  await alex.typeTimes({ Ended: [morning, '02:30'] });
  await alex.page.getByText('The clocks went back that night: 02:30 came twice.').waitFor();
  await alex.page.getByLabel('the second time (GMT+1)').check();
  await alex.button('Save').click();
  await sam.open(`#/tonight/night/${evening}`);
  for (const person of [alex, sam]) {
    await person.page.getByRole('button').filter({ hasText: '20:00 – 02:30' }).waitFor();
    await person.page.getByText(/^7 hrs?.* 30 min/).first().waitFor();
  }
});

// Changes what the phone has saved and not sent yet, as no screen of the app can.
async function spoilOutbox(person) {
  await person.page.evaluate(async () => {
    const done = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const [{ name }] = await indexedDB.databases();
    const database = await done(indexedDB.open(name));
    const outbox = database.transaction('outbox', 'readwrite').objectStore('outbox');
    for (const row of await done(outbox.getAll())) {
      for (const { group, value } of row.edits) if (group === 'interval') value.zone = 'No/Where';
      await done(outbox.put(row));
    }
    database.close();
  });
}

scene('why the server did not take a tap is said in the language of the app', async (stage) => {
  const alex = await stage.family({ judged: true });
  await alex.page.getByRole('heading', { name: 'Who else is up at night?' }).waitFor();
  await alex.open('#/tonight');
  await alex.sync(/^Synced/).waitFor();
  await stage.server.stop();
  await alex.sync(/^Offline/).waitFor();
  await alex.tap('Put down');
  await spoilOutbox(alex);
  await stage.startServer();
  await alex.page.getByRole('link', { name: '1 entry needs attention' }).click();
  await alex.page.getByText('Something in it cannot be so, such as a time.').waitFor();
  assert.deepEqual(await alex.faults(), []);
  await alex.page.evaluate(() => localStorage.setItem('nightlog.locale', 'de'));
  await alex.page.reload();
  await alex.page.getByText('Etwas daran kann so nicht sein, etwa eine Zeit.').waitFor();
  await alex.open('#/family');
  await alex.button('Alles herunterladen').click();
  await alex.page.getByText('1 Eintrag, der einen Blick braucht, ist nicht in der Datei.').waitFor();
});

scene('what a code lacks is said in the language of the app', async (stage) => {
  const alex = await stage.family();
  await alex.button('Invite your partner').click();
  const code = await alex.makeCode();
  const sam = await stage.person('Sam', { judged: true });
  await sam.open('');
  await sam.page.evaluate(() => localStorage.setItem('nightlog.locale', 'de'));
  await sam.page.reload();
  await sam.page.getByRole('link', { name: 'Ich habe einen Code' }).click();
  await sam.fill({ Code: code });
  await sam.button('Beitreten').click();
  await sam.page.getByRole('alert').getByText('Geben Sie auch Ihren Namen ein').waitFor();
  assert.deepEqual(await sam.faults(), []);
  // The code is still good.
  await sam.fill({ 'Ihr Name': 'Sam' });
  await sam.button('Beitreten').click();
  await sam.button('Zu heute Nacht').waitFor();
});
