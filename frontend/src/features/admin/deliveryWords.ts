import type { Tone } from '@/lib/tone';
import type { DeliveryState, Destination, DestinationKind, ObjectKind, Occasion } from './api/deliveries';

export const KINDS: Record<DestinationKind, string> = {
  dicom_store: 'DICOM archive (C-STORE)',
  stow: 'DICOMweb archive (STOW-RS)',
  hl7_mllp: 'HL7 v2 (MLLP)',
  webhook: 'Webhook',
};

export const OBJECTS: Record<ObjectKind, string> = {
  sr: 'Structured report (SR)',
  sc: 'Key slices as pictures (Secondary Capture)',
  pm: 'Heatmap (Parametric Map)',
  pdf: 'Report (PDF)',
};

export const OCCASIONS: Record<Occasion, string> = {
  preliminary: 'Preliminary: the model has answered',
  final: 'Final: a reader agrees',
  corrected: 'Corrected: a reader does not',
  escalated: 'Escalated: nobody has taken a likely stroke on in time',
};

export const STATES: Record<DeliveryState, { word: string; tone: Tone }> = {
  queued: { word: 'Queued', tone: 'info' },
  sending: { word: 'Being sent', tone: 'info' },
  retrying: { word: 'Trying again', tone: 'unsure' },
  delivered: { word: 'Delivered', tone: 'clear' },
  dead: { word: 'Given up', tone: 'stroke' },
  skipped: { word: 'Nothing to send', tone: 'quiet' },
};

/** Whether a kind is spoken to at a host and a port, rather than at a web address. */
export function isBySocket(kind: DestinationKind): boolean {
  return kind === 'dicom_store' || kind === 'hl7_mllp';
}

/** What can be chosen to be sent: all objects to an archive, the report along with an HL7 message. */
export function choices(kind: DestinationKind): ObjectKind[] {
  return kind === 'webhook' ? [] : kind === 'hl7_mllp' ? ['pdf'] : ['sr', 'sc', 'pm', 'pdf'];
}

/** What a kind can be told of: alerts are for webhooks. */
export function occasions(kind: DestinationKind): Occasion[] {
  const all = Object.keys(OCCASIONS) as Occasion[];
  return kind === 'webhook' ? all : all.filter((one) => one !== 'escalated');
}

/** Where a destination is, in one line. */
export function addressOf({ kind, host, port, url, remote_name }: Destination): string {
  if (!isBySocket(kind)) {
    return url ?? '';
  }
  return kind === 'dicom_store' ? `${remote_name}@${host}:${port}` : `${host}:${port}`;
}
