// Opens OHIF's study list, a study, and the series of our pictures in it: node ohif.mjs ADDRESS STUDY_UID SERIES_UID FOLDER
// CHROMIUM. Pictures of the pages go into FOLDER.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const [address, study, captures, folder, executablePath] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-quic', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
try {
  const failures = [];
  page.on('response', (answer) => {
    if (answer.url().includes('/api/') && answer.status() >= 400) failures.push(`${answer.status()} ${answer.url()}`);
  });
  await page.goto(`${address}/`);
  await page.getByText(/\bCT\b/).first().waitFor({ timeout: 120_000 });
  await page.screenshot({ path: `${folder}/ohif-list.png` });

  const shown = async (path, picture) => {
    const frames = page.waitForResponse((answer) => answer.url().includes('/frames/') && answer.ok(), { timeout: 120_000 });
    await page.goto(`${address}/viewer?StudyInstanceUIDs=${path}`);
    await frames;
    await page.locator('canvas').first().waitFor({ timeout: 120_000 });
    // The first slice is drawn when the overlay says which one it is.
    await page.getByText(/\(\d+\/\d+\)/).first().waitFor({ timeout: 120_000 });
    await page.waitForLoadState('networkidle');
    const tour = page.getByText('Skip all');
    if (await tour.isVisible()) await tour.click();
    await page.screenshot({ path: `${folder}/${picture}.png` });
  };
  await shown(study, 'ohif-study');
  await shown(`${study}&SeriesInstanceUIDs=${captures}`, 'ohif-capture');
  if (failures.length > 0) throw new Error(failures.join(', '));
} catch (error) {
  await page.screenshot({ path: `${folder}/ohif-failed.png` });
  throw error;
} finally {
  await browser.close();
}
