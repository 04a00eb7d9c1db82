// The smallest phones, and text set large.
import assert from 'node:assert/strict';

import { scene } from './stage.mjs';

const kNarrowest = { width: 320, height: 568 };

async function fits(person, screen) {
  const width = await person.page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, kNarrowest.width, screen);
}

scene('with text at twice its size nothing hangs over the edge, and no word over another', async (stage) => {
  const sam = await stage.person('Sam', { textPx: 32, viewport: kNarrowest });
  await sam.open('');
  await sam.page.getByRole('link', { name: 'I have a code' }).waitFor();
  await fits(sam, 'welcome');
  const alex = await stage.family();
  await alex.button('Invite your partner').click();
  await sam.join(await alex.makeCode());
  await sam.button('Go to tonight').waitFor();
  await fits(sam, 'this device');
  await sam.button('Go to tonight').click();
  await sam.tap('Put down');
  await sam.tap('Crying');
  await fits(sam, 'tonight');
  const buttons = sam.page.getByRole('contentinfo').getByRole('button');
  for (const button of await buttons.all()) {
    const [words, inside] = await button.evaluate((b) => [b.scrollWidth, b.clientWidth]);
    assert.ok(words <= inside, await button.innerText());
  }
  for (const [place, heading] of [
    ['tonight/nights', 'Robin’s nights'], ['tonight/plan', /plan/i],
    ['tonight/attention', 'Needs a look'], ['family', 'The Robins'],
  ]) {
    await sam.open(`#/${place}`);
    await sam.page.getByRole('heading', { name: heading }).first().waitFor();
    await fits(sam, place);
  }
});

scene('on the smallest phone the time until the next check is in view above the buttons', async (stage) => {
  const alex = await stage.family({ viewport: kNarrowest });
  await alex.button('Invite a consultant').click();
  const dana = await stage.person('Dana', { desk: true });
  await dana.join(await alex.makeCode());
  await dana.page.getByRole('link', { name: 'Robin' }).click();
  await dana.page.getByRole('link', { name: 'Write a plan' }).first().click();
  await dana.page.getByRole('radio', { name: /^Graduated check-ins/ }).check();
  await dana.button('Save the plan').click();
  await alex.open('#/tonight');
  await alex.page.getByRole('link', { name: /^Graduated check-ins/ }).waitFor();
  await alex.tap('Put down');
  await alex.tap('Crying');
  await alex.page.reload();
  const caption = await alex.page.getByText('to the next check').boundingBox();
  const buttons = await alex.page.getByRole('contentinfo').boundingBox();
  assert.ok(caption.y > 0 && caption.y + caption.height <= buttons.y);
  assert.ok(buttons.y + buttons.height <= kNarrowest.height);

  // On its side, too, whatever was saved just now.
  await alex.page.setViewportSize({ width: kNarrowest.height, height: kNarrowest.width });
  await alex.tap('Calm again');
  const main = await alex.page.getByRole('contentinfo').getByRole('button', { name: 'Asleep' })
    .boundingBox();
  assert.ok(main.y + main.height <= kNarrowest.width);
});
