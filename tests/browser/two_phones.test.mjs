// Two phones log one night: without a network, both at once, and in several tabs.
import { scene } from './stage.mjs';

scene('a tap without a network is kept over a reload and reaches the other phone later', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  await alex.page.evaluate(() => navigator.serviceWorker.ready);
  await alex.context.setOffline(true);
  await alex.sync('Offline. All saved on this phone').waitFor();
  await alex.tap('Put down');
  await alex.sync('Offline. Saved here, 1 to send').waitFor();

  await alex.page.reload();
  await alex.now('Settling').waitFor();
  await alex.entry('Put down').getByText('only on this phone so far').waitFor();
  await alex.tap('Asleep');
  await alex.sync('Offline. Saved here, 2 to send').waitFor();
  await sam.now('Not put down yet').waitFor();

  await alex.context.setOffline(false);
  await sam.now('Asleep').waitFor();
  await alex.sync(/^Synced/).waitFor();
  await alex.entry('only on this phone so far').waitFor({ state: 'detached' });

  // Sam has not tapped tonight.
  await sam.page.reload();
  await sam.page.getByRole('heading', { name: 'Logged by others tonight' }).waitFor();
});

scene('of two buttons hit before the screen is drawn anew, the second ends what the first began', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  await alex.tap('Put down');
  await alex.now('Settling').waitFor();
  await alex.tapAtOnce('Asleep', 'Crying');
  for (const person of [alex, sam]) {
    await person.now('Crying').waitFor();
    await person.entry('Asleep').getByText(/^\d\d:\d\d – \d\d:\d\d$/).waitFor();
  }
});

scene('what one takes back is gone on the other phone', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  await alex.tap('Put down');
  await sam.now('Settling').waitFor();
  await alex.button('Undo').click();
  await sam.now('Not put down yet').waitFor();
});

scene('two answers are both kept until one tap chooses', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  await alex.tap('Put down');
  await sam.now('Settling').waitFor();
  for (const [times, person] of [[1, alex], [2, sam]]) {
    await person.context.setOffline(true);
    await person.entry('Put down').click();
    for (let i = 0; i < times; ++i) await person.button('At, −5 minutes').click();
    await person.button('Save').click();
    await person.entry('Put down').getByText('only on this phone so far').waitFor();
  }
  for (const person of [alex, sam]) await person.context.setOffline(false);

  for (const [person, other] of [[alex, 'Sam'], [sam, 'Alex']]) {
    await person.page.getByText(new RegExp(`^You said .*, ${other} said `)).waitFor();
    await person.entry('two answers').waitFor();
  }
  const choices = alex.page.getByRole('button', { name: 'Choose for Put down' });
  const chosen = (await choices.filter({ hasText: 'Sam' }).innerText()).split('\n')[0];
  await choices.filter({ hasText: 'Sam' }).click();
  for (const person of [alex, sam]) {
    await person.entry('two answers').waitFor({ state: 'detached' });
    await person.page.getByText('Both are kept').waitFor({ state: 'detached' });
    await person.entry('Put down').filter({ hasText: chosen }).waitFor();
  }
});

scene('what came while a sheet was open is not replaced unseen', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  // While Alex has the entry open, Sam moves it; then she does.
  const meanwhile = async (minutes, hers) => {
    await alex.entry('Put down').click();
    await alex.button('At, −5 minutes').waitFor();
    await sam.entry('Put down').click();
    for (let i = 0; i < minutes; i += 5) await sam.button('At, −5 minutes').click();
    await sam.button('Save').click();
    const [said] = (await sam.entry('Put down').innerText()).match(/\d\d:\d\d/);
    await alex.page.locator('.entries').getByText(said).waitFor();
    await hers();
  };
  await alex.tap('Put down');
  await sam.now('Settling').waitFor();
  await meanwhile(10, async () => {
    await alex.button('At, −5 minutes').click();
    await alex.button('Save').click();
  });
  for (const person of [alex, sam]) await person.entry('two answers').waitFor();
  await alex.page.getByRole('button', { name: 'Choose for Put down' }).first().click();
  for (const person of [alex, sam]) {
    await person.entry('two answers').waitFor({ state: 'detached' });
  }
  await meanwhile(20, () => alex.button('Delete').click());
  for (const person of [alex, sam]) {
    await person.page.getByText('Both are kept').waitFor();
    await person.entry('Put down').waitFor();
  }
});

scene('a form of the child replaces only what was changed in it', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  for (const person of [alex, sam]) {
    await person.open('#/family');
    await person.page.getByRole('link', { name: 'Robin' }).click();
  }
  await sam.fill({ 'Name of the child': 'Robin Ann' });
  await sam.button('Save').click();
  await alex.page.getByRole('heading', { name: 'Robin Ann' }).waitFor();
  await alex.fill({ 'Birth date': '2026-02-03' });
  await alex.button('Save').click();
  for (const person of [alex, sam]) {
    // Saved, and back where the form was opened.
    await person.page.getByRole('link', { name: 'Add a child' }).waitFor();
    await person.open('#/tonight');
    await person.sync(/^Synced/).waitFor();
    await person.page.getByRole('heading', { name: 'Robin Ann' }).waitFor();
  }
});

scene('a waking that both logged counts once, until somebody says that it was two', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: stage.zone }).format(new Date());
  const log = async (person, kind, from, to) => {
    await person.button('Add').click();
    await person.page.getByRole('radio', { name: kind, exact: true }).check();
    await person.typeTimes({ Began: [today, from] });
    if (to) {
      await person.button('Add an end').click();
      await person.typeTimes({ Ended: [today, to] });
    }
    await person.button('Save').click();
    await person.page.getByRole('status').getByText(`${kind}, ${from}.`).waitFor();
  };
  await log(alex, 'Asleep', '20:00', '21:30');
  await sam.entry('20:00 – 21:30').waitFor();
  for (const person of [alex, sam]) await person.context.setOffline(true);
  await log(alex, 'Awake', '21:00', '21:05');
  await log(sam, 'Awake', '21:08', '21:12');
  for (const person of [alex, sam]) await person.context.setOffline(false);

  const counted = async (words) => {
    for (const person of [alex, sam]) {
      await person.page.getByRole('link', { name: 'Nights' }).click();
      await person.page.getByRole('link', { name: 'Tonight', exact: false })
        .filter({ hasText: words }).waitFor();
      await person.page.goBack();
    }
  };
  await alex.page.getByText('Sam logged it too: 21:08 – 21:12').waitFor();
  await sam.page.getByText('You logged it too: 21:08 – 21:12').waitFor();
  await counted('1 waking');
  await sam.button('These were two').click();
  for (const person of [alex, sam]) {
    await person.button('These were two').waitFor({ state: 'detached' });
    await person.entry('21:08 – 21:12').waitFor();
  }
  await counted('2 wakings');
});

scene('two tabs of one phone show the same, and either sends what was tapped', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  const first = alex.page;
  const second = await alex.context.newPage();
  await second.goto(alex.url);
  alex.page = second;
  await alex.tap('Put down');
  await sam.now('Settling').waitFor();
  alex.page = first;
  await alex.now('Settling').waitFor();
  await alex.tap('Asleep');
  alex.page = second;
  await alex.now('Asleep').waitFor();
  // The tab that spoke to the server is closed: the other takes over.
  await first.close();
  await alex.tap('Crying');
  await sam.now('Crying').waitFor();
  await sam.tap('Calm again');
  await alex.now('Crying').waitFor({ state: 'detached' });
});
