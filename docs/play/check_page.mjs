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

// What has the focus: "#id", or "choice" for one of the threads to choose from.
const focused = page => page.evaluate(() => {
  const {id, classList} = document.activeElement;
  return classList.contains('choice') ? 'choice' : `#${id}`;
});

// The texts with a contrast below 4.5 to 1 (WCAG 2.2), except on disabled buttons.
const faint_texts = page => page.evaluate(() => {
  const numbers = color => color.match(/[\d.]+/g).map(Number);
  const luminance = color => {
    const [r, g, b] = numbers(color).map(
        it => it / 255 <= 0.04045 ? it / 255 / 12.92 : ((it / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = element => {
    const color = getComputedStyle(element).backgroundColor;
    return numbers(color)[3] === 0 ? background(element.parentElement) : color;
  };
  const faint = element => {
    const [a, b] = [getComputedStyle(element).color, background(element)].map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  };
  const has_text = element => [...element.childNodes].some(
      it => it.nodeType === Node.TEXT_NODE && it.textContent.trim());
  return [...document.querySelectorAll('body *')].filter(
      it => has_text(it) && it.checkVisibility() && !it.closest(':disabled') && faint(it)).map(
      it => it.outerHTML);
});

// What scrolls, and a keyboard cannot reach it.
const unreachable = page => page.evaluate(() => [...document.querySelectorAll('body *')].filter(
    it => /auto|scroll/.test(getComputedStyle(it).overflow) && it.tabIndex < 0).map(
    it => it.outerHTML));

async function check(what, body) {
  try {
    await body();
    assert.deepEqual(problems.splice(0), []);
    console.log(`ok ${what}`);
  } catch (error) {
    problems.length = 0;  // of this check
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

await check('"Choose from here" goes to the last choice before the shown step', async () => {
  for (const name of names) {
    const page = await go_to(`#${name}`);
    const found = await page.evaluate(() => {
      const {choices} = game;
      const forks = choices.map((_, i) => tree.steps(choices.slice(0, i)).length);
      return tree.steps(choices).concat(null).map((_, step) => {
        Object.assign(game, {mode: 'watch', choices, step});
        take_over();
        return {step, is: tree.steps(game.choices).length,
                expected: forks.findLast(it => it <= step) ?? forks[0]};
      });
    });
    for (const {step, is, expected} of found) assert.equal(is, expected, `${name}, step ${step}`);
  }
});

await check('every step of a choice is announced and marked', async () => {
  const page = await open('#11_full_queue_shutdown');
  await page.locator('input[value=play]').click();
  const before = await page.locator('#story tbody tr').count();
  await page.keyboard.press('2');  // a radio button has the focus
  const steps = await page.locator('#story tbody tr').allInnerTexts();
  assert.ok(steps.length > before + 1);
  const announced = await page.locator('#announce').textContent();
  for (const step of steps.slice(before)) assert.ok(announced.includes(step.trim()), announced);
  assert.equal(await page.locator('#story tr.new').count(), steps.length - before);
  await page.close();
});

await check('the focus never moves to a button that does something else', async () => {
  const page = await open('#06_order_assumption');
  await page.locator('#last').click();
  assert.equal(await focused(page), '#now-title');
  await page.locator('#play').click();
  assert.equal(await focused(page), 'choice');
  assert.match(await page.locator('#announce').textContent(), /^The beginning: the starter of 06/);
  await page.keyboard.press('1');
  await page.keyboard.press('2');
  await page.locator('#back').focus();
  await page.keyboard.press('Enter');
  assert.equal(await focused(page), '#back');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => game.choices.length), 0);
  await page.locator('#rest').click();
  assert.equal(await focused(page), '#result');
  await page.locator('input[value=watch]').click();
  await page.locator('#last').click();
  await page.locator('#solution').click();
  assert.equal(await focused(page), 'choice');
  await page.goto(`${address}#03_lost_stop/solution/0`);
  await page.waitForFunction(() => game.variant === 'solution' && game.name === '03_lost_stop');
  assert.equal(await page.locator('input[value=watch]').isEnabled(), true);
  await page.locator('#last').click();
  await page.locator('#play').click();
  assert.equal(await page.locator('input[value=solution]').isChecked(), true);
  assert.equal(await focused(page), 'choice');
  await page.close();
});

await check('an exercise that cannot be loaded is named, and the last request wins', async () => {
  const page = await open('#03_lost_stop');
  await page.evaluate(() => $('exercise').append(new Option('98_missing')));
  await page.locator('#exercise').selectOption('98_missing');
  await page.locator('#message').waitFor();
  assert.match(await text(page, '#message'), /^The exercise 98_missing could not be loaded\./);
  assert.equal(await page.locator('#exercise').inputValue(), '03_lost_stop');
  assert.match(problems.splice(0).join(), /^Failed to load resource[^,]*$/);
  const name = await page.evaluate(async () => {
    await Promise.all(['#11_full_queue_shutdown', '#03_lost_stop'].map(open_fragment));
    return game.name;
  });
  assert.equal(name, '03_lost_stop');
  assert.equal(await page.locator('#message').isVisible(), false);
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

await check('a step that does not change the address does not write it', async () => {
  const page = await open('#03_lost_stop');
  await page.evaluate(() => { history.replaceState = () => { throw new Error('written'); }; });
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
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
  assert.equal(await focused(page), '#forward');
  assert.match(await page.locator('#announce').textContent(), /^The beginning: the starter of 03/);
  await page.locator('input[value=play]').click();
  await page.locator('#schedule').fill('LAB_REPLAY=0.1.0.0.1');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => game.mode === 'watch');
  assert.equal(new URL(page.url()).hash, '#03_lost_stop/0.1.0.0.1');
  assert.equal(await page.locator('#message').isVisible(), false);
  await page.close();
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [1280, 360]) {
    await check(`${colorScheme}, ${width} pixels: all fits, is legible, and can scroll`, async () => {
      const page = await open('#03_lost_stop', {colorScheme, viewport: {width, height: 900}});
      await page.evaluate(() => { document.querySelector('details').open = true; });
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
        assert.deepEqual(await faint_texts(page), []);
        assert.deepEqual(await unreachable(page), []);
        await picture(page, `${colorScheme}-${width}-${state}`);
      }
      await page.close();
    });
  }
}

await browser.close();
