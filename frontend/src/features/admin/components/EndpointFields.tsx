import { Checkbox, Group, NumberInput, PasswordInput, TextInput } from '@mantine/core';

interface Socket {
  host?: string | null;
  port?: number | null;
  remote_name?: string;
  own_name?: string;
  tls?: boolean;
}

interface SocketFieldsProps {
  readonly draft: Socket;
  /** What the two ends call themselves by. */
  readonly names: 'AE title' | 'application';
  readonly onChange: (change: Partial<Socket>) => void;
}

interface Web {
  url?: string | null;
  username?: string | null;
  secret?: string | null;
}

interface WebFieldsProps {
  readonly draft: Web;
  /** Whether it is in use already: then a secret that is not typed stays. */
  readonly exists: boolean;
  /** A webhook, which has a signing secret and nobody to sign in as. */
  readonly isHook?: boolean;
  readonly onChange: (change: Partial<Web>) => void;
}

/** Where a socket is: host, port, names, TLS. */
export function SocketFields({ draft, names, onChange }: SocketFieldsProps) {
  return (
    <>
      <Group grow align="start">
        <TextInput
          label="Host"
          value={draft.host ?? ''}
          onChange={(event) => onChange({ host: event.currentTarget.value })}
        />
        <NumberInput
          label="Port"
          min={1}
          max={65535}
          allowDecimal={false}
          value={draft.port ?? ''}
          onChange={(port) => onChange({ port: typeof port === 'number' ? port : null })}
        />
      </Group>
      <Group grow align="start">
        <TextInput
          label={`Their ${names}`}
          value={draft.remote_name ?? ''}
          onChange={(event) => onChange({ remote_name: event.currentTarget.value })}
        />
        <TextInput
          label={`Our ${names}`}
          value={draft.own_name ?? ''}
          onChange={(event) => onChange({ own_name: event.currentTarget.value })}
        />
      </Group>
      <Checkbox
        label="Encrypt the connection (TLS); the certificate is checked"
        checked={draft.tls ?? false}
        onChange={(event) => onChange({ tls: event.currentTarget.checked })}
      />
    </>
  );
}

/** Where a web address is, and how to sign in there. */
export function WebFields({ draft, exists, isHook = false, onChange }: WebFieldsProps) {
  return (
    <>
      <TextInput
        label="Address"
        placeholder={isHook ? 'https://ehr.example.org/hooks/ictus' : 'https://pacs.example.org/dicom-web'}
        value={draft.url ?? ''}
        onChange={(event) => onChange({ url: event.currentTarget.value })}
      />
      {!isHook && (
        <TextInput
          label="User"
          description="Leave empty to sign in with a bearer token."
          value={draft.username ?? ''}
          onChange={(event) => onChange({ username: event.currentTarget.value || null })}
        />
      )}
      <PasswordInput
        label={isHook ? 'Signing secret' : 'Password or token'}
        description={
          exists
            ? 'Leave empty to keep the present one.'
            : isHook
              ? 'Leave empty to have one made.'
              : undefined
        }
        autoComplete="off"
        value={draft.secret ?? ''}
        onChange={(event) => onChange({ secret: event.currentTarget.value || null })}
      />
    </>
  );
}
