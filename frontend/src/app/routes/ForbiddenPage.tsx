import { MessagePage } from './MessagePage';

export function ForbiddenPage() {
  return (
    <MessagePage title="Not for your role">
      This page is for administrators. Ask one if you need something that is done here.
    </MessagePage>
  );
}
