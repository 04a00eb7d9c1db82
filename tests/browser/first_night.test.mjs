// A family begins from the screen alone: two phones and a consultant, up to the end of her consent.
import assert from 'node:assert/strict';

import { kAnotherMachine, scene } from './stage.mjs';

scene('a family, a partner and a consultant pair and log a night from the screen alone', async (stage) => {
  const alex = await stage.family();
  await alex.page.getByRole('heading', { name: 'Who else is up at night?' }).waitFor();
  await alex.button('Invite your partner').click();
  const sam = await stage.person('Sam');
  await sam.join(await alex.makeCode());
  await alex.button('Invite somebody else').click();
  await alex.button('Invite a consultant').click();
  await alex.page.getByText('She does not see single entries').waitFor();
  const code = await alex.makeCode();
  await alex.button('Next').click();

  // The picture holds a link; the code in it leaves the address at once.
  const dana = await stage.person('Dana', { desk: true });
  await dana.open(`#join=${code}`);
  await dana.page.getByText('Your invitation is read.').waitFor();
  assert.ok(!dana.page.url().includes(code));
  await dana.fill({ 'Your name': 'Dana' });
  await dana.button('Join').click();
  const row = dana.page.getByRole('row').filter({ hasText: 'Robin' });
  await row.getByText('Not logged lately').waitFor();

  for (const person of [alex, sam]) await person.button('Go to tonight').click();
  await alex.tap('Put down');
  await sam.now('Settling').waitFor();
  await row.getByText('Settling').waitFor();
  await sam.tap('Asleep');
  await alex.now('Asleep').waitFor();
  await row.getByText('Asleep', { exact: true }).waitFor();
  await alex.sync(/^Synced/).waitFor();
  await alex.sync(/^on Sam’s phone since/).waitFor();

  // Consent ends in two taps.
  await alex.open('#/family');
  await alex.button('End consent').click();
  await alex.button('End it now').click();
  await dana.page.getByRole('heading', { name: 'No longer shared with you' }).waitFor();
  await row.waitFor({ state: 'detached' });
});

scene('parents without a consultant choose a plan, switch to another, and see how it goes', async (stage) => {
  const [alex, sam] = await stage.twoPhones({ judged: true });
  await alex.button('Menu').click();
  await alex.page.getByRole('link', { name: 'Plan and comments' }).click();
  for (const [words, method] of [
    ['Choose a plan', 'Graduated check-ins'], ['Switch to another plan', 'Soothing ladder'],
  ]) {
    await alex.page.getByRole('link', { name: words }).click();
    await alex.page.getByRole('radio', { name: new RegExp(`^${method}`) }).check();
    assert.deepEqual(await alex.faults(), []);
    await alex.button('Save the plan').click();
    await alex.page.getByRole('heading', { name: method }).waitFor();
    assert.deepEqual(await alex.faults(), []);
    await sam.page.getByRole('link', { name: `${method}, night 1` }).waitFor();
  }

  // And see how it goes, as a consultant would.
  await alex.open('#/tonight/nights');
  await alex.page.getByRole('link', { name: 'Is it getting better?' }).click();
  await alex.page.getByRole('heading', { name: 'Not enough nights' }).waitFor();
  assert.deepEqual(await alex.faults(), []);
  await alex.page.getByRole('link', { name: 'Nights', exact: true }).click();
  await alex.page.getByRole('heading', { name: 'Robin’s nights' }).waitFor();

  // Of a child whose first night this is.
  await alex.page.getByText('No night is logged yet.').waitFor();
  assert.equal(await alex.button('Older nights').count(), 0);
  assert.deepEqual(await alex.faults(), []);
  await alex.open('#/tonight');
  await alex.tap('Put down');
  await alex.tap('Asleep');
  await alex.sync(/^Synced/).waitFor();
  await alex.open('#/tonight/nights');
  await alex.page.getByRole('listitem').filter({ hasText: 'Tonight' }).waitFor();
  assert.equal(await alex.page.getByRole('listitem').count(), 1);
  assert.equal(await alex.button('Older nights').count(), 0);
  assert.equal(await alex.page.getByText('No night is logged yet.').count(), 0);
});

scene('a code that was used lets nobody in', async (stage) => {
  const alex = await stage.family();
  await alex.button('Invite your partner').click();
  const code = await alex.makeCode();
  await (await stage.person('Sam')).join(code);
  const eve = await stage.person('Eve');
  await eve.join(code);
  await eve.page.getByRole('alert').getByText('This code is not valid').waitFor();
});

scene('an address without HTTPS says what to do', async (stage) => {
  const alex = await stage.person('Alex');
  const url = new URL(alex.url);
  url.hostname = kAnotherMachine;
  await alex.page.goto(url.href);
  await alex.page.getByRole('heading', { name: 'This address is not safe enough' }).waitFor();
  assert.equal(await alex.page.getByRole('link').count(), 0);
});

scene('axe finds nothing wrong with the main screens', async (stage) => {
  const judge = async (person, screen) =>
    assert.deepEqual(await person.faults(), [], `${person.name}, ${screen}`);
  const alex = await stage.person('Alex', { judged: true });
  await alex.open('');
  await alex.page.getByRole('link', { name: 'Start a family' }).waitFor();
  await judge(alex, 'welcome');
  await alex.open('#/family/setup');
  await alex.fill({ 'Your name': 'Alex', 'Name of the family': 'The Robins' });
  await judge(alex, 'start a family');
  await alex.button('Start').click();
  await alex.fill({ 'Name of the child': 'Robin', 'Birth date': '2026-02-01' });
  await judge(alex, 'child');
  await alex.button('Save').click();
  await alex.button('Invite a consultant').click();
  await judge(alex, 'consent');
  const code = await alex.makeCode();
  await judge(alex, 'code');
  const dana = await stage.person('Dana', { desk: true, judged: true });
  await dana.join(code);
  await dana.page.getByRole('link', { name: 'Robin' }).waitFor();

  await alex.open('#/tonight');
  await alex.tap('Put down');
  await alex.sync(/^Synced/).waitFor();
  await judge(alex, 'tonight');
  await alex.entry('Put down').click();
  await alex.page.getByRole('dialog', { name: 'Put down' }).waitFor();
  await judge(alex, 'entry');
  for (const [place, heading] of [
    ['tonight/nights', 'Robin’s nights'], ['tonight/plan', /plan/i],
    ['tonight/attention', 'Needs a look'], ['family', 'The Robins'],
  ]) {
    await alex.open(`#/${place}`);
    await alex.page.getByRole('heading', { name: heading }).first().waitFor();
    await judge(alex, place);
  }

  await judge(dana, 'caseload');
  await dana.page.getByRole('link', { name: 'Robin' }).click();
  await dana.page.getByRole('link', { name: 'Write a plan' }).first().waitFor();
  await judge(dana, 'child');
  await dana.page.getByRole('link', { name: 'Write a plan' }).first().click();
  await dana.page.getByRole('radio', { name: /^Graduated check-ins/ }).check();
  await dana.button('Save the plan').waitFor();
  await judge(dana, 'plan');
});
