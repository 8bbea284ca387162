import { defineConfig } from '@playwright/test';
import { CHROMIUM } from './browser.ts';

/**
 * The product in a real browser against a real stack. By default `start.ts` runs one in a temporary folder;
 * `ICTUS_E2E_URL`, `ICTUS_E2E_EMAIL` and `ICTUS_E2E_PASSWORD` (the first administrator's, one-time) name another,
 * fresh one, such as the compose file's. `ICTUS_E2E_CONTROL` is then the program that has accidents happen to it, and
 * `ICTUS_E2E_STACK` what that program is told to find it by; without them the tests of accidents are left out.
 * `ICTUS_E2E_FOLDER` keeps what the tests leave for each other, so that one file of them can be run again.
 */
export default defineConfig({
  testDir: '.',
  outputDir: 'test-results',
  globalSetup: './start.ts',
  workers: 2,
  // A shared CI machine may stall a browser for seconds; a person who runs this sees every failure at once.
  retries: process.env.CI ? 1 : 0,
  // Generous, because the machine may be busy: they end a test that hangs, they measure nothing.
  timeout: 360_000,
  expect: { timeout: 90_000 },
  reporter: [['list'], ['./figures.ts']],
  use: {
    baseURL: process.env.ICTUS_E2E_URL,
    // An installation that is named may have a certificate of its own making.
    ignoreHTTPSErrors: process.env.ICTUS_E2E_URL?.startsWith('https:') ?? false,
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    locale: 'en-GB',
    timezoneId: 'Europe/Madrid',
    // A trace films every page; where what fails is tried again, the second time will do.
    trace: process.env.CI ? 'on-first-retry' : 'retain-on-failure',
    launchOptions: {
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // WebGL in software: the viewer's usual renderer, on a machine without a graphics card.
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        // Pages themselves are drawn without it: ten times less work.
        '--disable-gpu-rasterization',
        '--disable-gpu-compositing',
      ],
    },
  },
  // Each part works on what the one before left in the same installation, as people do; so only one of them runs at a
  // time. The whole round has a stack of its own, which learns, and goes on beside a part that takes as long: what it
  // depends on says only when it begins (`--project=round --no-deps` runs it alone). It says nothing of an installation
  // that is named, so it is left out then.
  projects: [
    { name: 'people', testMatch: 'people.spec.ts' },
    { name: 'studies', testMatch: 'studies.spec.ts', dependencies: ['people'] },
    {
      name: 'viewer',
      testMatch: ['triage.spec.ts', 'viewer.spec.ts', 'touch.spec.ts', 'keyboard.spec.ts', 'admin.spec.ts'],
      dependencies: ['studies'],
    },
    { name: 'access', testMatch: 'access.spec.ts', dependencies: ['viewer'] },
    ...(process.env.ICTUS_E2E_CONTROL === undefined
      ? [{ name: 'round', testMatch: 'round.spec.ts', dependencies: ['viewer'] }]
      : []),
    { name: 'review', testMatch: 'review.spec.ts', dependencies: ['access'] },
    { name: 'models', testMatch: 'models.spec.ts', dependencies: ['review'] },
    { name: 'accidents', testMatch: ['held.spec.ts', 'queue.spec.ts'], dependencies: ['models'] },
    { name: 'leaving', testMatch: 'leaving.spec.ts', dependencies: ['accidents'] },
  ].map((part) => ({ ...part, workers: 1 })),
});
