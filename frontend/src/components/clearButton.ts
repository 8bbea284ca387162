/** The button that empties a select, as keyboards and screen readers reach it too; Mantine hides it from both. */
export const CLEAR = { 'aria-hidden': false, tabIndex: 0 } as const;
