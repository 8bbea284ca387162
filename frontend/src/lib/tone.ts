/** What a colour says: `stroke` act now, `clear` nothing found, `unsure` a reader must look, `info` and `quiet` neither. */
export type Tone = 'stroke' | 'clear' | 'unsure' | 'info' | 'quiet';
