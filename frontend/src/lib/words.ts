import type { Schema } from '@/client';

type Role = Schema<'Me'>['role'];

const ROLES: Record<Role, string> = {
  clinician: 'Clinician',
  radiologist: 'Radiologist',
  admin: 'Administrator',
};

/** A role as people say it. */
export function roleName(role: Role): string {
  return ROLES[role];
}
