/** Where the open alerts lie in the cache: whoever hears of a change has them read anew. */
export const ALERTS_KEY = ['alerts'] as const;
