import { readFileSync } from 'node:fs';
import { chromium, type Page } from '@playwright/test';
import { CHROMIUM } from './browser.ts';
import {
  CLINICIAN,
  expect,
  heatmap,
  input,
  picture,
  sessionFile,
  studyPath,
  test,
  viewerReady,
} from './world.ts';

test.use({ storageState: sessionFile(CLINICIAN) });

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The bounding box of the bright pixels (the skull, in the brain window), in CSS pixels of the page. */
async function brightBox(page: Page): Promise<Box> {
  return page.getByTestId('stage').evaluate((stage) => {
    const canvas = stage.querySelector('canvas');
    const context = canvas?.getContext('2d');
    if (!canvas || !context) {
      throw new Error('The stage has no canvas that can be read.');
    }
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    let [left, right, top, bottom] = [width, 0, height, 0];
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        if ((data[(y * width + x) * 4] ?? 0) > 245) {
          [left, right] = [Math.min(left, x), Math.max(right, x)];
          [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
        }
      }
    }
    const box = canvas.getBoundingClientRect();
    const scale = box.width / width;
    return {
      x: box.x + left * scale,
      y: box.y + top * scale,
      width: (right - left + 1) * scale,
      height: (bottom - top + 1) * scale,
    };
  });
}

async function overlayBox(page: Page): Promise<Box> {
  const box = await page.getByTestId('overlay').boundingBox();
  if (box === null) {
    throw new Error('No heatmap is shown.');
  }
  return box;
}

/** Where the skull of the drawn series lies on a slice: left, top, right, bottom as shares of the picture. */
function skullEdges(index: number): readonly number[] {
  const boxes = JSON.parse(readFileSync(input('skull_boxes')[0] ?? '', 'utf8')) as number[][];
  return boxes[index] ?? [];
}

/** The skull lies on the screen where it was drawn in the picture: so must the heatmap lie around it. */
async function expectAligned(page: Page): Promise<void> {
  await expect(async () => {
    const [skull, overlay] = [await brightBox(page), await overlayBox(page)];
    const [left = 0, top = 0, right = 0, bottom = 0] = skullEdges(
      Number(await slice(page).getAttribute('data-slice')),
    );
    expect(Math.abs(skull.width / overlay.width - (right - left))).toBeLessThan(0.02);
    expect(Math.abs(skull.x - (overlay.x + left * overlay.width))).toBeLessThan(6);
    expect(Math.abs(skull.x + skull.width - (overlay.x + right * overlay.width))).toBeLessThan(6);
    expect(Math.abs(skull.y - (overlay.y + top * overlay.height))).toBeLessThan(6);
    expect(Math.abs(skull.y + skull.height - (overlay.y + bottom * overlay.height))).toBeLessThan(6);
  }).toPass({ timeout: 10_000 });
}

async function open(page: Page): Promise<void> {
  await page.goto(studyPath('ct-series'));
  await viewerReady(page);
}

const slice = (page: Page) => page.getByTestId('stage');

test('slices change by wheel, keys and the strip, within the series', async ({ page }) => {
  await open(page);
  const strip = page.getByRole('slider', { name: 'Slice' });
  await page.getByRole('main').focus();
  await page.keyboard.press('Home');
  await expect(slice(page)).toHaveAttribute('data-slice', '0');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('PageUp');
  await expect(slice(page)).toHaveAttribute('data-slice', '6');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await expect(slice(page)).toHaveAttribute('data-slice', '23');
  await slice(page).hover();
  await page.mouse.wheel(0, -300);
  await expect(slice(page)).toHaveAttribute('data-slice', '20');
  const box = await strip.boundingBox();
  await page.mouse.click((box?.x ?? 0) + 2, (box?.y ?? 0) + 30);
  await expect(slice(page)).toHaveAttribute('data-slice', '0');
  await strip.press('ArrowRight');
  await expect(strip).toHaveAttribute('aria-valuenow', '2');
  await expect(strip).toHaveAttribute('aria-valuetext', /^Slice 2 of 24, (no )?probability/);
});

test('the window changes by preset, key and drag', async ({ page }) => {
  await open(page);
  await expect(page.getByText('L 40 · W 80')).toBeVisible();
  const brain = await brightBox(page);
  await page.getByRole('button', { name: 'Bone' }).click();
  await expect(page.getByText('L 600 · W 2800')).toBeVisible();
  await picture(page, 'viewer-bone');
  await page.getByRole('main').focus();
  await page.keyboard.press('1');
  await expect(page.getByText('L 40 · W 80')).toBeVisible();
  expect(await brightBox(page)).toEqual(brain);
  await slice(page).hover();
  await page.mouse.down();
  await page.mouse.move(600, 480, { steps: 4 });
  await page.mouse.up();
  await expect(page.getByText('L 40 · W 80')).toBeHidden();
});

test('the heatmap lies on its slice, also after zoom, pan and resize, and can be turned off', async ({
  page,
}) => {
  await open(page);
  await heatmap(page);
  await page.getByRole('main').focus();
  await expectAligned(page);
  const fitted = await overlayBox(page);

  await page.keyboard.press('-');
  await expect.poll(async () => (await overlayBox(page)).width).toBeCloseTo(fitted.width / 1.25, 0);
  await page.keyboard.press('Shift+ArrowRight');
  await expectAligned(page);
  await page.setViewportSize({ width: 1120, height: 720 });
  await expectAligned(page);
  await page.keyboard.press('0');
  await expectAligned(page);

  await page.keyboard.press('h');
  await expect(page.getByTestId('overlay')).toBeHidden();
  await page.getByRole('slider', { name: 'Heatmap opacity' }).fill('80');
  await expect(page.getByTestId('overlay')).toHaveCSS('opacity', '0.8');
});

test('without WebGL the viewer draws on a plain canvas', async ({ baseURL }) => {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-3d-apis'],
  });
  try {
    const page = await browser.newPage({ baseURL: baseURL ?? '', storageState: sessionFile(CLINICIAN) });
    await page.goto(studyPath('ct-series'));
    expect(await page.evaluate(() => document.createElement('canvas').getContext('webgl2'))).toBeNull();
    await viewerReady(page);
    await expect.poll(async () => (await brightBox(page)).width).toBeGreaterThan(100);
    await page.keyboard.press('ArrowUp');
    await picture(page, 'viewer-without-webgl');
  } finally {
    await browser.close();
  }
});
