import {
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from '@mantine/core';

const petrol: MantineColorsTuple = [
  '#e9f5f9',
  '#d3e8f0',
  '#a8d3e2',
  '#7cbdd3',
  '#5aabc7',
  '#3c98b8',
  '#2a85a5',
  '#1c718f',
  '#145c76',
  '#0b4558',
];

const slate: MantineColorsTuple = [
  '#dde3e9',
  '#bac4cf',
  '#9aa7b4',
  '#8693a1',
  '#424d5a',
  '#2f3843',
  '#20272f',
  '#161b21',
  '#10141a',
  '#0a0d11',
];

const fog: MantineColorsTuple = [
  '#f6f8fa',
  '#eef1f4',
  '#e3e8ed',
  '#d3dae1',
  '#b9c3cd',
  '#8f9ba7',
  '#5c6875',
  '#455160',
  '#2f3945',
  '#1a222b',
];

export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 7, dark: 7 },
  colors: { petrol, dark: slate, gray: fog },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, monospace",
  headings: { fontWeight: '620' },
  fontSizes: { xs: '0.75rem', sm: '0.8438rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  defaultRadius: 'md',
  respectReducedMotion: true,
  focusRing: 'auto',
  cursorType: 'pointer',
  components: {
    Anchor: { defaultProps: { underline: 'always' } },
    Button: { defaultProps: { size: 'sm' } },
    Modal: {
      defaultProps: {
        centered: true,
        overlayProps: { blur: 2, backgroundOpacity: 0.45 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
      styles: { title: { fontSize: '1.0625rem', fontWeight: 620 } },
    },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Dismiss' } } },
    Tooltip: {
      defaultProps: { openDelay: 300, withArrow: true, events: { hover: true, focus: true, touch: false } },
    },
    Paper: { defaultProps: { withBorder: true } },
    Table: { defaultProps: { verticalSpacing: 'xs', horizontalSpacing: 'sm' } },
  },
});

/**
 * The meaning colours. Every one is used with an icon and words beside it, never alone, and every
 * foreground keeps a contrast of at least 4.5 to 1 on its own soft background and on the page.
 */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-dimmed': '#56616d',
    '--mantine-color-placeholder': '#66717d',
    '--ictus-page': '#f3f6f8',
    '--ictus-surface': '#ffffff',
    '--ictus-border': '#dce2e8',
    '--ictus-stroke-fg': '#a3182d',
    '--ictus-stroke-bg': '#fdecee',
    '--ictus-stroke-line': '#d6384f',
    '--ictus-clear-fg': '#0f6147',
    '--ictus-clear-bg': '#e5f5ee',
    '--ictus-clear-line': '#23916c',
    '--ictus-unsure-fg': '#7d4d00',
    '--ictus-unsure-bg': '#fdf3e0',
    '--ictus-unsure-line': '#c98314',
    '--ictus-info-fg': '#4a3a9c',
    '--ictus-info-bg': '#f0eefc',
    '--ictus-info-line': '#7565c9',
    '--ictus-quiet-fg': '#46525f',
    '--ictus-quiet-bg': '#edf1f4',
    '--ictus-quiet-line': '#8f9ba7',
  },
  dark: {
    '--mantine-color-body': '#161b21',
    '--mantine-color-dimmed': '#9fabb8',
    '--mantine-color-placeholder': '#8d99a6',
    '--ictus-page': '#0e1216',
    '--ictus-surface': '#161b21',
    '--ictus-border': '#2a323c',
    '--ictus-stroke-fg': '#ff9aa6',
    '--ictus-stroke-bg': '#3a1a20',
    '--ictus-stroke-line': '#f0566b',
    '--ictus-clear-fg': '#7fd9b4',
    '--ictus-clear-bg': '#13302a',
    '--ictus-clear-line': '#2fae82',
    '--ictus-unsure-fg': '#f6c667',
    '--ictus-unsure-bg': '#362a13',
    '--ictus-unsure-line': '#d99a2b',
    '--ictus-info-fg': '#bdb2ff',
    '--ictus-info-bg': '#25213f',
    '--ictus-info-line': '#8f80e6',
    '--ictus-quiet-fg': '#b3bfcb',
    '--ictus-quiet-bg': '#232b34',
    '--ictus-quiet-line': '#6a7683',
  },
});

export const colorScheme = localStorageColorSchemeManager({ key: 'ictus-color-scheme' });
