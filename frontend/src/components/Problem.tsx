import { Alert } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';
import { messageOf } from '@/lib/problem';
import classes from './Problem.module.css';

/** Why what was just asked was refused; read out when it appears. */
export function Problem({ error, title }: { error: unknown; title?: string }) {
  if (error === null || error === undefined) {
    return null;
  }
  return (
    <Alert
      role="alert"
      icon={<IconAlertCircle aria-hidden />}
      title={title}
      classNames={{
        root: classes.root ?? '',
        icon: classes.icon ?? '',
        title: classes.title ?? '',
        message: classes.message ?? '',
      }}
    >
      {messageOf(error)}
    </Alert>
  );
}
