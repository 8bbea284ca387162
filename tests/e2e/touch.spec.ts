import type { CDPSession, Locator, Page } from '@playwright/test';
import { CLINICIAN, expect, heatmap, picture, sessionFile, studyPath, test, viewerReady } from './world.ts';

test.use({
  storageState: sessionFile(CLINICIAN),
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
});

interface Point {
  readonly x: number;
  readonly y: number;
}

async function centre(target: Locator): Promise<Point> {
  await target.scrollIntoViewIfNeeded();
  const box = await target.boundingBox();
  if (box === null) {
    throw new Error('There is nothing to touch.');
  }
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Fingers that go down together, each along its own way, and up again: what the browser gets from a real screen. */
async function move(
  browser: CDPSession,
  fingers: readonly (readonly [from: Point, to: Point])[],
): Promise<void> {
  const steps = 6;
  const points = (step: number) =>
    fingers.map(([from, to], id) => ({
      id,
      x: from.x + ((to.x - from.x) * step) / steps,
      y: from.y + ((to.y - from.y) * step) / steps,
    }));
  await browser.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: points(0) });
  for (let step = 1; step <= steps; step += 1) {
    await browser.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: points(step) });
  }
  await browser.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
}

async function open(page: Page): Promise<CDPSession> {
  await page.goto(studyPath('ct-series'));
  await viewerReady(page);
  return page.context().newCDPSession(page);
}

const stage = (page: Page) => page.getByTestId('stage');

async function sliceShown(page: Page): Promise<number> {
  return Number(await stage(page).getAttribute('data-slice'));
}

test('a finger scrolls the slices, on the picture and on the strip', async ({ page }) => {
  const browser = await open(page);
  await expect(page.getByRole('button', { name: 'Drag to scroll slices' })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  const strip = page.getByRole('slider', { name: 'Slice' });
  const { y: stripY } = await centre(strip);
  const box = await strip.boundingBox();
  const left = { x: (box?.x ?? 0) + 3, y: stripY };
  await move(browser, [[{ x: left.x + 150, y: stripY }, left]]);
  await expect(stage(page)).toHaveAttribute('data-slice', '0');

  const from = await centre(stage(page));
  await move(browser, [[from, { x: from.x, y: from.y + 72 }]]);
  await expect(stage(page)).toHaveAttribute('data-slice', '6');
  await move(browser, [[from, { x: from.x, y: from.y - 36 }]]);
  await expect(stage(page)).toHaveAttribute('data-slice', '3');
  await picture(page, 'touch-viewer');
});

test('a finger changes window and level once that tool is chosen', async ({ page }) => {
  const browser = await open(page);
  await expect(page.getByText('L 40 · W 80')).toBeVisible();
  const before = await sliceShown(page);
  await page.getByRole('button', { name: 'Drag to change window and level' }).tap();
  const from = await centre(stage(page));
  await move(browser, [[from, { x: from.x + 60, y: from.y + 40 }]]);
  await expect(page.getByText('L 40 · W 80')).toBeHidden();
  expect(await sliceShown(page)).toBe(before);
  await expect(async () => {
    // Where the machine is busy, the browser may take a tap for a long press, which is no click.
    await page.getByRole('button', { name: 'Bone', exact: true }).tap();
    await expect(page.getByText('L 600 · W 2800')).toBeVisible({ timeout: 5000 });
  }).toPass();
});

test('a finger sets how strong the heatmap is', async ({ page }) => {
  const browser = await open(page);
  const overlay = await heatmap(page);
  const opacity = page.getByRole('slider', { name: 'Heatmap opacity' });
  const { y } = await centre(opacity);
  const box = await opacity.boundingBox();
  const [start, end] = [box?.x ?? 0, (box?.x ?? 0) + (box?.width ?? 0)];
  await move(browser, [
    [
      { x: (start + end) / 2, y },
      { x: end + 20, y },
    ],
  ]);
  await expect(overlay).toHaveCSS('opacity', '1');
  await move(browser, [
    [
      { x: end - 8, y },
      { x: start - 20, y },
    ],
  ]);
  await expect(overlay).toHaveCSS('opacity', '0');
  await page.getByRole('button', { name: 'Heatmap', exact: false }).first().tap();
  await expect(overlay).toBeHidden();
});

test('two fingers zoom, and slices and window stay', async ({ page }) => {
  const browser = await open(page);
  const overlay = await heatmap(page);
  const before = await sliceShown(page);
  const fitted = await overlay.boundingBox();
  const { x, y } = await centre(stage(page));
  await move(browser, [
    [
      { x: x - 40, y },
      { x: x - 80, y },
    ],
    [
      { x: x + 40, y },
      { x: x + 80, y },
    ],
  ]);
  await expect
    .poll(async () => ((await overlay.boundingBox())?.width ?? 0) / (fitted?.width ?? 1))
    .toBeGreaterThan(1.7);
  expect(await sliceShown(page)).toBe(before);
  await expect(page.getByText('L 40 · W 80')).toBeVisible();
});

test('what is touched is large enough for a finger', async ({ page }) => {
  await open(page);
  const viewer = page.getByRole('region', { name: 'Scan viewer' });
  for (const control of await viewer.getByRole('button').or(viewer.getByRole('slider')).all()) {
    const box = await control.boundingBox();
    const name = await control.getAttribute('aria-label');
    expect(box?.height, `height of ${name}`).toBeGreaterThanOrEqual(40);
    expect(box?.width, `width of ${name}`).toBeGreaterThanOrEqual(40);
  }
});
