import { Alert, Anchor, Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link, Navigate, useSearchParams } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { Problem } from '@/components/Problem';
import { safeReturnPath } from '@/lib/returnPath';
import { useSignInMethods } from '../api/methods';
import { useLogin, useSession } from '../api/session';
import { providerProblem } from '../providerProblem';
import { AuthFrame } from './AuthFrame';

/** Signs in, and goes back to where the session ended. */
export function LoginPage() {
  const [search] = useSearchParams();
  const { data: session } = useSession();
  const login = useLogin();
  const provider = useSignInMethods().data?.provider;
  const refused = providerProblem(search.get('problem'));
  const form = useForm({
    initialValues: { email: '', password: '' },
    validate: {
      email: (value) => (value.trim() === '' ? 'Enter your e-mail address.' : null),
      password: (value) => (value === '' ? 'Enter your password.' : null),
    },
  });

  if (session) {
    return <Navigate to={safeReturnPath(search.get('next'))} replace />;
  }
  return (
    <AuthFrame title="Sign in">
      <DocumentTitle>Sign in</DocumentTitle>
      <form
        noValidate
        onSubmit={form.onSubmit(({ email, password }) => login.mutate({ email: email.trim(), password }))}
      >
        <Stack>
          {search.has('ended') && !login.isError && (
            <Text role="status">Your session has ended. Sign in to continue where you were.</Text>
          )}
          {refused !== null && !login.isError && (
            <Alert color="red" role="alert">
              {refused}
            </Alert>
          )}
          <Problem error={login.error} />
          <TextInput
            label="E-mail"
            type="email"
            autoComplete="username"
            autoFocus
            required
            withAsterisk={false}
            {...form.getInputProps('email')}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            {...form.getInputProps('password')}
          />
          <Button type="submit" size="md" loading={login.isPending}>
            Sign in
          </Button>
          {provider && (
            <>
              <Divider label="or" />
              <Button component="a" href={provider.address} variant="default" size="md">
                Sign in with {provider.label}
              </Button>
            </>
          )}
          <Text c="dimmed">
            No account yet?{' '}
            <Anchor component={Link} to="/register">
              Register
            </Anchor>
          </Text>
        </Stack>
      </form>
    </AuthFrame>
  );
}
