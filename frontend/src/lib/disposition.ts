import {
  type Icon,
  IconAlertHexagon,
  IconCircleCheck,
  IconEyeQuestion,
  IconFlask,
  IconPhotoOff,
} from '@tabler/icons-react';
import type { Tone } from './tone';

export type Disposition = 'confident' | 'uncertain' | 'unsuitable' | 'not_validated';
export type Finding = 'stroke' | 'normal';

export interface Verdict {
  readonly tone: Tone;
  readonly icon: Icon;
  /** Two or three words, for a badge. */
  readonly label: string;
  /** What the disposition means for the person who reads it. */
  readonly meaning: string;
}

const UNCERTAIN: Verdict = {
  tone: 'unsure',
  icon: IconEyeQuestion,
  label: 'Uncertain',
  meaning: 'The model cannot tell. A radiologist must read this study; it has been put in the review queue.',
};
const UNSUITABLE: Verdict = {
  tone: 'quiet',
  icon: IconPhotoOff,
  label: 'Unsuitable image',
  meaning: 'The image is not one that the model can answer for, so it gives no answer.',
};
const NOT_VALIDATED: Verdict = {
  tone: 'info',
  icon: IconFlask,
  label: 'Not validated',
  meaning: 'The model has not been validated for this kind of scan, so it gives no answer. A reader decides.',
};
const STROKE: Verdict = {
  tone: 'stroke',
  icon: IconAlertHexagon,
  label: 'Stroke likely',
  meaning: 'The model is confident. Read this study first; a clinician decides.',
};
const NORMAL: Verdict = {
  tone: 'clear',
  icon: IconCircleCheck,
  label: 'No sign found',
  meaning:
    'The model is confident that it sees no sign of what it looks for. What it does not look for is said below.',
};

/** How a disposition is shown. A confident answer is told apart by its finding. */
export function verdictOf(disposition: Disposition, finding: Finding | null): Verdict {
  switch (disposition) {
    case 'uncertain':
      return UNCERTAIN;
    case 'unsuitable':
      return UNSUITABLE;
    case 'not_validated':
      return NOT_VALIDATED;
    case 'confident':
      return finding === 'stroke' ? STROKE : NORMAL;
  }
}
