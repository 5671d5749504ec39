// screenshot.mjs TRACE PNG CHROMIUM: does the work of ./run.
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {chromium} from 'playwright-core';

const [trace, png, executablePath] = process.argv.slice(2);
const viewer = join(
    dirname(fileURLToPath(import.meta.url)), 'node_modules/speedscope/dist/release/index.html');

const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
});
try {
  const page = await browser.newPage({viewport: {width: 1000, height: 300}});
  await page.goto(pathToFileURL(viewer).href);
  await page.setInputFiles('input[type=file]', trace);
  // The toolbar names the lane and the number of lanes: "Worker 1 (tid 1) (1/3)".
  await page.waitForFunction(() => /\(1\/\d+\)/.test(document.body.innerText));
  const [, lanes] = (await page.innerText('body')).match(/\(1\/(\d+)\)/);
  for (let lane = 1; lane <= lanes; ++lane) {
    await page.waitForFunction(n => document.body.innerText.includes(`(${n}/`), lane);
    await page.waitForTimeout(300);  // speedscope paints the bars after the text
    console.log((await page.innerText('body')).match(/.*\(\d+\/\d+\)/)[0]);
    await page.screenshot({path: lane === 1 ? png : `${png}.${lane}`, type: 'png'});
    await page.keyboard.press('n');  // the next lane
  }
} finally {
  await browser.close();
}
