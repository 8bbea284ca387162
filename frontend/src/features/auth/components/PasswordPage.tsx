import { Button, Container, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useNavigate } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { Problem } from '@/components/Problem';
import { useCurrentUser } from '@/lib/session';
import { useChangePassword } from '../api/session';
import { PASSWORD_HINT, passwordProblem } from './password';

/** Changes the password; the only page that a one-time password opens. */
export function PasswordPage() {
  const user = useCurrentUser();
  const navigate = useNavigate();
  const change = useChangePassword();
  const form = useForm({
    initialValues: { current_password: '', new_password: '', again: '' },
    validate: {
      current_password: (value) => (value === '' ? 'Enter the password you signed in with.' : null),
      new_password: passwordProblem,
      again: (value, all) => (value === all.new_password ? null : 'The two do not match.'),
    },
  });
  const submit = form.onSubmit(({ current_password, new_password }) =>
    change.mutate(
      { current_password, new_password },
      {
        onSuccess: () => {
          notifications.show({ message: 'Your password has been changed.' });
          void navigate('/worklist');
        },
      },
    ),
  );

  return (
    <Container size={460} py="xl">
      <DocumentTitle>Change password</DocumentTitle>
      <Title order={1} fz={22} mb="md">
        Change password
      </Title>
      <Paper p="lg">
        <form noValidate onSubmit={submit}>
          <Stack>
            {user.must_change_password && (
              <Text>You signed in with a one-time password. Choose your own to continue.</Text>
            )}
            <Problem error={change.error} />
            <PasswordInput
              label={user.must_change_password ? 'One-time password' : 'Present password'}
              autoComplete="current-password"
              {...form.getInputProps('current_password')}
            />
            <PasswordInput
              label="New password"
              description={PASSWORD_HINT}
              autoComplete="new-password"
              {...form.getInputProps('new_password')}
            />
            <PasswordInput
              label="New password again"
              autoComplete="new-password"
              {...form.getInputProps('again')}
            />
            <Button type="submit" loading={change.isPending}>
              Change password
            </Button>
          </Stack>
        </form>
      </Paper>
    </Container>
  );
}
