// Sets the colour scheme before the first paint, from a file so that the page needs no inline script.
{
  let stored = null;
  try {
    stored = window.localStorage.getItem('ictus-color-scheme');
  } catch {
    // Storage may be blocked; the system's preference is then used.
  }
  const dark =
    stored === 'dark' || (stored !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
}
