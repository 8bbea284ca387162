import type { Schema } from '@/client';

type Patient = Schema<'PatientDetail'>;

/** A DICOM person name (`Family^Given^Middle^Prefix^Suffix`) as people write it: "Family, Given Middle". */
export function formatPersonName(name: string): string {
  const [family = '', given = '', middle = ''] = name.split('=')[0]?.split('^') ?? [];
  const first = [given, middle].filter(Boolean).join(' ');
  return [family, first].filter(Boolean).join(', ') || name;
}

/** The headline of a study: the patient's name, or that there is none. */
export function patientTitle(patient: Patient | null): string {
  return patient?.patient_name ? formatPersonName(patient.patient_name) : 'No patient name';
}

/** A DICOM date (YYYYMMDD) as YYYY-MM-DD; anything else as it came. */
export function formatDicomDate(date: string): string {
  return /^\d{8}$/.test(date) ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` : date;
}

/** "ID 4711 · F · born 1950-06-15": what is known besides the name. */
export function patientFacts(patient: Patient | null): string {
  if (patient === null) {
    return 'The upload carried no patient header';
  }
  const facts = [
    patient.patient_id && `ID ${patient.patient_id}`,
    patient.sex,
    patient.age?.replace(/^0+(\d+)Y$/, '$1 y'),
    patient.birth_date && `born ${formatDicomDate(patient.birth_date)}`,
  ];
  return facts.filter(Boolean).join(' · ') || 'No patient ID';
}
