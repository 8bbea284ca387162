import { TagsInput, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { FormDialog } from '@/components/FormDialog';
import { type OAuthClient, useRegisterClient, useReplaceClientKeys } from '../api/clients';
import type { Site } from '../api/people';
import { parseKeySet } from '../keySet';
import { SiteSelect, useChosenSite } from './SiteSelect';

const SCOPES = [
  'system/*.rs',
  'system/DiagnosticReport.rs',
  'system/ImagingStudy.rs',
  'system/Observation.rs',
  'system/Patient.rs',
  'system/ServiceRequest.c',
  'studies:read',
  'studies:write',
  'reports:read',
];

function KeySetInput({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const unreadable = value.trim() !== '' && parseKeySet(value) === null;
  return (
    <Textarea
      label="Public keys (JWKS)"
      description="RSA or P-384, each with a kid. Paste the public part only."
      autosize
      minRows={4}
      maxRows={12}
      value={value}
      error={unreadable ? 'This is no JSON Web Key Set: {"keys": […]}.' : null}
      onChange={(event) => onChange(event.currentTarget.value)}
      styles={{ input: { fontFamily: 'monospace' } }}
    />
  );
}

/** Registers another system for SMART backend services. */
export function ClientDialog({ sites, onClose }: { sites: readonly Site[]; onClose: () => void }) {
  const register = useRegisterClient();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(['system/*.rs']);
  const [keys, setKeys] = useState('');
  const jwks = parseKeySet(keys);
  const site = useChosenSite(sites);
  return (
    <FormDialog
      onClose={onClose}
      title="New OAuth client"
      verb="Register the client"
      ready={name.trim() !== '' && scopes.length > 0 && jwks !== null}
      pending={register.isPending}
      error={register.error}
      onSubmit={() => {
        if (jwks) {
          register.mutate({ name, site_id: site.id, scopes, jwks }, { onSuccess: onClose });
        }
      }}
    >
      <TextInput
        label="System"
        description="What will use it."
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      <SiteSelect of={site} />
      <TagsInput label="Scopes" data={SCOPES} value={scopes} onChange={setScopes} />
      <KeySetInput value={keys} onChange={setKeys} />
    </FormDialog>
  );
}

/** Puts other public keys for a client. */
export function ClientKeysDialog({ client, onClose }: { client: OAuthClient; onClose: () => void }) {
  const replace = useReplaceClientKeys();
  const [keys, setKeys] = useState('');
  const jwks = parseKeySet(keys);
  return (
    <FormDialog
      onClose={onClose}
      title={`Keys of ${client.name}`}
      verb="Replace the keys"
      ready={jwks !== null}
      pending={replace.isPending}
      error={replace.error}
      onSubmit={() => {
        if (jwks) {
          replace.mutate({ id: client.id, jwks }, { onSuccess: onClose });
        }
      }}
    >
      <KeySetInput value={keys} onChange={setKeys} />
    </FormDialog>
  );
}
