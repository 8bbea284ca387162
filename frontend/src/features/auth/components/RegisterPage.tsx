import { Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { Problem } from '@/components/Problem';
import { useRegister } from '../api/session';
import { AuthFrame } from './AuthFrame';
import { PASSWORD_HINT, passwordProblem } from './password';

function Waiting() {
  return (
    <AuthFrame title="Waiting for approval">
      <DocumentTitle>Waiting for approval</DocumentTitle>
      <Stack role="status">
        <Text>
          Thank you. An administrator will check your registration and give you a role and a site. You can
          sign in once that is done.
        </Text>
        <Button component={Link} to="/login" variant="default">
          Back to sign in
        </Button>
      </Stack>
    </AuthFrame>
  );
}

/** Asks for an account; an administrator approves it. */
export function RegisterPage() {
  const register = useRegister();
  const form = useForm({
    initialValues: { name: '', email: '', password: '' },
    validate: {
      name: (value) => (value.trim() === '' ? 'Enter your name.' : null),
      email: (value) => (/^\S+@\S+\.\S+$/.test(value.trim()) ? null : 'Enter an e-mail address.'),
      password: passwordProblem,
    },
  });

  if (register.isSuccess) {
    return <Waiting />;
  }
  return (
    <AuthFrame title="Register" lead="An administrator approves every account before it can be used.">
      <DocumentTitle>Register</DocumentTitle>
      <form
        noValidate
        onSubmit={form.onSubmit((values) => register.mutate({ ...values, email: values.email.trim() }))}
      >
        <Stack>
          <Problem error={register.error} />
          <TextInput label="Full name" autoComplete="name" autoFocus {...form.getInputProps('name')} />
          <TextInput label="E-mail" type="email" autoComplete="username" {...form.getInputProps('email')} />
          <PasswordInput
            label="Password"
            description={PASSWORD_HINT}
            autoComplete="new-password"
            {...form.getInputProps('password')}
          />
          <Button type="submit" size="md" loading={register.isPending}>
            Register
          </Button>
          <Text c="dimmed">
            Already registered?{' '}
            <Anchor component={Link} to="/login">
              Sign in
            </Anchor>
          </Text>
        </Stack>
      </form>
    </AuthFrame>
  );
}
