import { Alert, Text } from '@mantine/core';
import { type Icon, IconAlertCircle } from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';
import { formatWait } from '@/lib/format';
import { messageOf, ProblemError } from '@/lib/problem';
import classes from './Problem.module.css';

/** When the same wish may be granted; says so again when the time has come. */
function Wait({ seconds }: { seconds: number }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setOver(true), seconds * 1000);
    return () => window.clearTimeout(timer);
  }, [seconds]);
  return <Text mt={4}>{over ? 'You can try again now.' : `Try again in about ${formatWait(seconds)}.`}</Text>;
}

interface ProblemProps {
  readonly error: unknown;
  readonly title?: string;
  readonly icon?: Icon;
  /** What else there is to say, and to do. */
  readonly children?: ReactNode;
}

/** Why what was just asked was refused, and when to ask again; read out when it appears. */
export function Problem({ error, title, icon: Shape = IconAlertCircle, children }: ProblemProps) {
  if (error === null || error === undefined) {
    return null;
  }
  const wait = error instanceof ProblemError ? error.retryAfterSeconds : null;
  return (
    <Alert
      role="alert"
      icon={<Shape aria-hidden />}
      title={title}
      classNames={{
        root: classes.root ?? '',
        icon: classes.icon ?? '',
        title: classes.title ?? '',
        message: classes.message ?? '',
      }}
    >
      <Text>{messageOf(error)}</Text>
      {wait !== null && <Wait seconds={wait} />}
      {children}
    </Alert>
  );
}
