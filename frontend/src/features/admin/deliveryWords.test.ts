import { describe, expect, it } from 'vitest';
import type { Destination } from './api/deliveries';
import { addressOf, choices } from './deliveryWords';

const destination = { host: 'pacs', port: 104, url: 'https://ehr/hook', remote_name: 'PACS' };

describe('the address of a destination', () => {
  it('names the called AE title of an archive', () => {
    expect(addressOf({ ...destination, kind: 'dicom_store' } as Destination)).toBe('PACS@pacs:104');
  });
  it('is host and port of an HL7 receiver', () => {
    expect(addressOf({ ...destination, kind: 'hl7_mllp' } as Destination)).toBe('pacs:104');
  });
  it('is the web address of a webhook', () => {
    expect(addressOf({ ...destination, kind: 'webhook' } as Destination)).toBe('https://ehr/hook');
  });
});

it('a webhook gets no object, so none can be chosen', () => {
  expect(choices('webhook')).toEqual([]);
});
