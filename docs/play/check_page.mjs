// check_page.mjs PAGE CHROMIUM [FOLDER]: does the work of ./check_page.
import assert from 'node:assert/strict';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {chromium} from 'playwright-core';

const [file, executablePath, folder] = process.argv.slice(2);
const address = pathToFileURL(file).href;
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
});

const problems = [];  // of every page: messages on the console, and requests that leave the machine

async function open(fragment, options = {}) {
  const page = await browser.newPage({viewport: {width: 1280, height: 900}, ...options});
  page.on('console', it => problems.push(it.text()));
  page.on('pageerror', it => problems.push(String(it)));
  page.on('request', it => { if (!it.url().startsWith('file:') && !it.url().startsWith('data:')) problems.push(it.url()); });
  await page.goto(address + fragment);
  await page.waitForSelector('#score p', {timeout: 10_000}).catch(() => {
    throw new Error(`${fragment} shows nothing: ${problems.join('; ')}`);
  });
  return page;
}

const text = (page, selector) => page.locator(selector).innerText();

async function check(what, body) {
  try {
    await body();
    assert.deepEqual(problems, []);
    console.log(`ok ${what}`);
  } catch (error) {
    console.log(`FAILED ${what}\n${error.stack}`);
    process.exitCode = 1;
  }
}

async function picture(page, name) {
  if (folder) await page.screenshot({path: join(folder, `${name}.png`), fullPage: true});
}

if (folder) mkdirSync(folder, {recursive: true});
const start = await open('');
const names = await start.evaluate(() => course.names);

// In the same page, which is faster.
async function go_to(fragment) {
  await start.evaluate(async it => { await open_fragment(it); }, fragment);
  return start;
}

for (const name of names) {
  await check(`${name}: its failing schedule ends in the verdict`, async () => {
    const page = await go_to(`#${name}`);
    assert.equal(await page.locator('input[value=watch]').isChecked(), true);
    const {schedule, verdict, steps} = await page.evaluate(() => ({
      schedule: tree.data.breaks,
      verdict: tree.texts[verdict_at(game.choices)],
      steps: tree.steps(game.choices).length,
    }));
    assert.equal(new URL(page.url()).hash, `#${name}/${schedule}`);
    for (let i = 1; i < steps; ++i) await page.keyboard.press('ArrowRight');
    assert.equal(await page.locator('#story tbody tr').count(), steps - 1);
    assert.equal(await page.locator('.verdict').count(), 0);
    await page.keyboard.press('ArrowRight');
    assert.equal(await text(page, '#now-title'), 'It breaks');
    assert.equal(await text(page, '.verdict'), verdict);
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.locator('.verdict').count(), 0);
  });

  await check(`${name}: starter and solution have the schedules that the explorer has counted`, async () => {
    const page = await go_to(`#${name}`);
    const found = await page.evaluate(() => ['starter', 'solution'].map(variant => {
      const it = new Tree(course.exercises[game.name][variant]);
      const ends = [...it.below([])];
      return {
        counted: it.schedules === it.total && it.total === ends.length,
        failing: ends.filter(({verdict}) => verdict >= 0).length === it.failing,
        breaks: it.failing > 0,
        round_trip: ends.every(({choices}) => String(it.choices(it.name(choices))) === String(choices)),
      };
    }));
    const right = {counted: true, failing: true, round_trip: true};
    assert.deepEqual(found, [{...right, breaks: true}, {...right, breaks: false}]);
  });

  await check(`${name}: the solution ends well on every path`, async () => {
    const page = await go_to(`#${name}/solution`);
    const total = await page.evaluate(() => tree.total);
    assert.equal(await text(page, '#left'), String(total));
    while (await page.locator('.verdict').count() === 0) await page.keyboard.press('Enter');
    assert.equal(await text(page, '#now-title'), 'This schedule ends well');
    assert.equal(await text(page, '#left'), String(total - 1));
    if (total > 1) await page.locator('#rest').click();
    assert.equal(await text(page, '#left'), '0');
    assert.match(await text(page, '#result'), /no schedule within these limits breaks the solution/);
  });
}

await check('the keyboard alone breaks the starter', async () => {
  const page = await open('#03_lost_stop');
  await page.locator('input[value=watch]').focus();
  await page.keyboard.press('ArrowDown');  // the other radio button
  assert.equal(await text(page, '#now-title'), 'Which thread runs next?');
  await page.keyboard.press('Tab');
  const digits = await page.evaluate(() => {
    const digits = [];
    for (const [i, index] of tree.choices(tree.data.breaks).entries()) {
      const choices = tree.choices(tree.data.breaks).slice(0, i);
      digits.push(tree.node(choices).choices[index][0] + 1);
    }
    return digits;
  });
  for (const digit of digits) await page.keyboard.press(String(digit));
  assert.equal(await text(page, '#now-title'), 'You broke it');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'now-title');
  assert.equal(await text(page, '.verdict'),
      'deadlock: main waits forever for worker to exit; worker waits forever on work_ready');
  assert.match(await page.locator('#announce').textContent(), /You broke it\. deadlock: main waits/);
  await page.keyboard.press('ArrowLeft');
  assert.equal(await text(page, '#now-title'), 'Which thread runs next?');
  await page.close();
});

await check('each thread is marked at its line', async () => {
  const page = await open('#03_lost_stop');
  await page.locator('#last').click();
  const here = await page.evaluate(() => [...document.querySelectorAll('.here')].map(
      it => `${it.querySelector('.threads').innerText}: ${it.querySelector('code').innerText.trim()}`));
  assert.deepEqual(here, [
    'worker: work_ready_.wait(lock, [this] { return stop_ || !jobs_.empty(); });',
    'main: thread.join();',
  ]);
  await page.close();
});

await check('a schedule in the address is shown', async () => {
  const page = await open('#03_lost_stop/0.1.0.0.1');
  await page.locator('#last').click();
  assert.match(await text(page, '.verdict'), /^deadlock/);
  assert.match(await text(page, '#now'), /LAB_REPLAY=0\.1\.0\.0\.1 \/\/exercises\/03_lost_stop:test/);
  assert.equal(await page.locator('#message').isVisible(), false);
  await page.close();
});

await check('a schedule that the page does not have is refused, and one that breaks nothing is named', async () => {
  for (const wrong of ['0.9', '7', 'x', '0.1.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.5']) {
    const page = await open(`#03_lost_stop/${wrong}`);
    assert.match(await text(page, '#message'), /^The starter of 03_lost_stop has no schedule /);
    assert.equal(await page.locator('#story tbody tr').count() <= 1, true);
    await page.close();
  }
  const page = await open('#03_lost_stop/0');
  assert.match(await text(page, '#message'), /^Schedule 0 breaks nothing/);
  await page.goto(`${address}#99_nothing`);
  await page.waitForFunction(() => /no exercise 99_nothing/.test(document.body.innerText));
  await page.close();
});

await check('a schedule can be typed in', async () => {
  const page = await open('#02_bare_wait');
  await page.locator('summary').click();
  await page.locator('#schedule').fill('03_lost_stop/0.1.0.0.1');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => game.name === '03_lost_stop');
  assert.equal(await page.locator('input[value=watch]').isChecked(), true);
  await page.close();
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [1280, 360]) {
    await check(`${colorScheme}, ${width} pixels: all fits, and text can be read`, async () => {
      const page = await open('#03_lost_stop', {colorScheme, viewport: {width, height: 900}});
      const is_dark = await page.evaluate(() => {
        const sum = color => color.match(/\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b);
        const style = getComputedStyle(document.body);
        return sum(style.backgroundColor) < sum(style.color);
      });
      assert.equal(is_dark, colorScheme === 'dark');
      for (const state of ['watch', 'end', 'play', 'solution']) {
        if (state === 'watch') for (let i = 0; i < 4; ++i) await page.keyboard.press('ArrowRight');
        if (state === 'end') await page.locator('#last').click();
        if (state === 'play') await page.locator('#play').click();
        if (state === 'play') await page.keyboard.press('2');
        if (state === 'solution') await page.locator('input[value=solution]').click();
        if (state === 'solution') await page.locator('#rest').click();
        await page.waitForTimeout(250);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        await picture(page, `${colorScheme}-${width}-${state}`);
      }
      await page.close();
    });
  }
}

await browser.close();
