import { notifications } from '@mantine/notifications';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { usePromote } from '../api/useModels';

interface PromoteDialogProps {
  readonly version: string;
  readonly champion: string | null;
  readonly onClose: () => void;
}

/** Asks before another version answers for patients. */
export function PromoteDialog({ version, champion, onClose }: PromoteDialogProps) {
  const promote = usePromote();
  return (
    <ConfirmDialog
      title={`Put ${version} to use?`}
      verb="Put it to use"
      pending={promote.isPending}
      error={promote.error}
      onConfirm={() =>
        promote.mutate(version, {
          onSuccess: () => {
            notifications.show({ message: `${version} is in use now.` });
            onClose();
          },
        })
      }
      onClose={onClose}
    >
      Workers take it over between two scans; analyses that run go on with the model they began with.
      {champion !== null && ` ${champion} stays registered, and a rollback brings it back.`}
    </ConfirmDialog>
  );
}
