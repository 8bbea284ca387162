import { Container, Title } from '@mantine/core';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ErrorState, LoadingState } from '@/components/States';
import { formatDateTime } from '@/lib/format';
import { useCurrentModel } from '../api/useCurrentModel';
import { ModelDescription } from './ModelDescription';

/** What the model in use is validated for, how it did in tests and where its limits are. */
export function ModelPage() {
  const model = useCurrentModel();
  return (
    <Container size="lg" py="md" px={{ base: 'xs', sm: 'md' }}>
      <DocumentTitle>About the model</DocumentTitle>
      <Title order={1} fz={20} mb="sm">
        About the model
      </Title>
      {model.isPending ? (
        <LoadingState label="Asking for the model…" />
      ) : model.isError ? (
        <ErrorState error={model.error} onRetry={() => void model.refetch()} />
      ) : (
        <ModelDescription model={model.data} note={`In use as of ${formatDateTime(model.data.known_at)}.`} />
      )}
    </Container>
  );
}
