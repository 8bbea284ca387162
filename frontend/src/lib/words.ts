import type { Schema } from '@/client';

type Role = Schema<'Me'>['role'];

const ROLES: Record<Role, string> = {
  clinician: 'Clinician',
  radiologist: 'Radiologist',
  admin: 'Administrator',
};

const HOLD_REASONS: Record<string, string> = {
  burned_in_annotation: 'The pictures may show the patient’s name, burned into them.',
  secondary_capture: 'It is a screen shot or another secondary capture, which may show the patient’s name.',
  screen_save: 'It is a saved screen, which may show the patient’s name.',
};

/** Why a study is held, in a sentence. */
export function holdReason(code: string): string {
  return HOLD_REASONS[code] ?? `${sentence(code)}.`;
}

/** A stable code as the beginning of a sentence: "missing_slices" is "Missing slices". */
export function sentence(code: string): string {
  return code.replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase());
}

/** A role as people say it. */
export function roleName(role: Role): string {
  return ROLES[role];
}
