import { existsSync } from 'node:fs';

/** Chromium without a window to draw where there is one, which costs a third of the work; any other is as good. */
export const CHROMIUM =
  process.env.ICTUS_CHROMIUM ??
  ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((path) => existsSync(path)) ??
  'chromium';
