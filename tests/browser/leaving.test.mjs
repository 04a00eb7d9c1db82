// Devices that are shut out, people who leave, and a family that is erased.
import assert from 'node:assert/strict';

import { scene } from './stage.mjs';

// The part of the family's page about somebody.
const member = (person, name) =>
  person.page.getByRole('listitem').filter({ has: person.page.getByRole('heading', { name }) });

scene('what a phone that was shut out logs waits for an owner', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ judged: true, sam: { judged: true } });
  await alex.open('#/family');
  await member(alex, 'Sam').getByRole('button', { name: 'Shut out' }).click();
  await alex.button('Shut it out now').click();
  await sam.sync('Access has ended').waitFor();
  await sam.tap('Put down');
  await sam.page.getByRole('heading', { name: 'This phone is not in the family any more' }).waitFor();
  assert.deepEqual(await sam.faults(), []);
  await sam.page.getByRole('link', { name: '1 entry needs attention' }).click();
  await sam.page.getByRole('heading', { name: 'Waits for an owner' }).waitFor();
  await sam.page.getByText(/: Put down, /).waitFor();

  await alex.button('Download everything').click();
  await alex.page.getByText('1 entry that a removed device sent late is not in the file.').waitFor();
  await alex.page.getByRole('link', { name: 'What removed devices sent late' }).click();
  const heading = 'Sam logged this on a device that was removed';
  await alex.page.getByRole('heading', { name: heading }).waitFor();
  assert.deepEqual(await alex.faults(), []);
  await alex.button('Add to the log').click();
  await alex.page.getByText('Nothing needs you').waitFor();
  await alex.open('#/tonight');
  await alex.now('Settling').waitFor();
  await alex.entry('Put down').getByText('Sam').waitFor();

  await alex.open('#/family');
  await alex.button('Show the list').click();
  await alex.page.getByText('Alex let in what Sam sent late.').waitFor();
  await alex.page.getByText(/^Alex shut out .* of Sam\.$/).waitFor();
  await alex.page.getByText('Alex made the family.').waitFor();
  assert.deepEqual(await alex.faults(), []);

  // A new code lets the phone in again.
  await alex.button('Invite your partner').click();
  const code = await alex.makeCode();
  await sam.page.getByRole('link', { name: 'Tonight' }).click();
  await sam.page.getByRole('link', { name: 'I have a code' }).click();
  await sam.fill({ Code: code, 'Your name': 'Sam' });
  await sam.button('Join').click();
  await sam.button('Go to tonight').click();
  await sam.now('Settling').waitFor();
  await sam.tap('Asleep');
  await alex.open('#/tonight');
  await alex.now('Asleep').waitFor();
});

scene('what somebody tapped before he became a viewer goes when he says so, and not before', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ sam: { judged: true } });
  await sam.open('#/family');
  await sam.button('Add a device of your own').click();
  const tablet = (...words) => stage.nightlog('tablet', ...words);
  await tablet('join', await sam.makeCode(), '--server', stage.server.address);
  await sam.open('#/tonight');
  await sam.context.setOffline(true);
  await sam.tap('Put down');
  await sam.tap('Asleep');
  await alex.open('#/family');
  await alex.button('Invite somebody to read along').click();
  await tablet('join', await alex.makeCode());
  await sam.context.setOffline(false);

  await sam.page.getByRole('link', { name: '2 taps are on this phone only' }).click();
  const taps = [sam.page.getByText(/: Put down, /), sam.page.getByText(/: Asleep, /)];
  for (const tap of taps) await tap.waitFor();
  assert.deepEqual(await sam.faults(), []);
  const asked = [];
  const discard = async (sure) => {
    sam.page.once('dialog', (dialog) => {
      asked.push(dialog.message());
      return sure ? dialog.accept() : dialog.dismiss();
    });
    await sam.button('Discard all 2').click();
  };
  await discard(false);
  await sam.page.reload();
  for (const tap of taps) await tap.waitFor();
  await discard(true);
  await sam.page.getByText('Nothing needs you').waitFor();
  for (const words of asked) assert.match(words, /^Discard these 2 taps for good\?/);
  assert.equal(asked.length, 2);
  await sam.open('#/tonight');
  await sam.sync(/^Synced/).waitFor();
  assert.equal(await sam.entry('Put down').count(), 0);
});

scene('what was sent late is shown of the family where it is asked for', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  // Alex looks after another child, whose night is on her screen.
  await alex.open('#/family/setup');
  await alex.fill({ 'Your name': 'Alex', 'Name of the family': 'The Finches' });
  await alex.button('Start').click();
  await alex.fill({ 'Name of the child': 'Finch' });
  await alex.button('Save').click();
  await alex.page.getByRole('heading', { name: 'Who else is up at night?' }).waitFor();
  await alex.open('#/tonight');
  await alex.button('Whose night: Robin').click();
  await alex.button('Finch · The Finches').click();
  await alex.button('Whose night: Finch').waitFor();

  await alex.open('#/family');
  await alex.page.getByRole('link', { name: /^The Robins/ }).click();
  await member(alex, 'Sam').getByRole('button', { name: 'Shut out' }).click();
  await alex.button('Shut it out now').click();
  await sam.sync('Access has ended').waitFor();
  await sam.tap('Put down');
  await sam.page.getByRole('link', { name: '1 entry needs attention' }).waitFor();
  await alex.page.getByRole('link', { name: 'What removed devices sent late' }).click();
  await alex.page.getByRole('heading', { name: 'Sam logged this on a device that was removed' })
    .waitFor();
});

scene('a partner leaves, and the owner erases the family', async (stage) => {
  const [alex, sam] = await stage.twoPhones();
  await sam.open('#/family');
  await sam.button('Leave the family').click();
  await sam.button('Leave now').click();
  await sam.page.getByRole('link', { name: 'Start a family' }).waitFor();

  await alex.open('#/family');
  await member(alex, 'Sam').waitFor({ state: 'detached' });
  const tablet = await stage.person('');
  await alex.button('Add a device of your own').click();
  await tablet.join(await alex.makeCode());
  await tablet.button('Go to tonight').click();
  await tablet.sync(/^Synced/).waitFor();
  await alex.page.keyboard.press('Escape');
  await alex.page.getByText('Erase the family for everybody').click();
  const forGood = alex.button('Erase for good');
  assert.ok(await forGood.isDisabled());
  await alex.fill({ 'Type the family’s name': 'The Robins' });
  await forGood.click();
  await alex.page.getByRole('link', { name: 'Start a family' }).waitFor();
  await tablet.sync('Access has ended').waitFor();
});

scene('the only owner hands the family over before leaving it', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ judged: true });
  await alex.open('#/family');
  const leave = async () => {
    await alex.button('Leave the family').click();
    await alex.button('Leave now').click();
  };
  await leave();
  await alex.page.getByRole('alert').getByText('You are the only owner.').waitFor();
  await alex.button('Invite another owner').click();
  assert.deepEqual(await alex.faults(), []);
  const code = await alex.makeCode();
  await alex.page.keyboard.press('Escape');

  await sam.open('#/family');
  await sam.page.getByRole('link', { name: 'I have a code' }).click();
  await sam.fill({ Code: code });
  await sam.button('Join').click();
  await member(alex, 'Sam').getByText('parent, owner').waitFor();
  await leave();
  await alex.page.getByRole('link', { name: 'Start a family' }).waitFor();
  await sam.open('#/family');
  await member(sam, 'Alex').waitFor({ state: 'detached' });
  await sam.page.getByText('Erase the family for everybody').waitFor();
});
