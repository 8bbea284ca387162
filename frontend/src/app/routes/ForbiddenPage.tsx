import { MessagePage } from './MessagePage';

export function ForbiddenPage() {
  return (
    <MessagePage title="Not for your role">
      This page is for people of another role. Ask an administrator if you need something that is done here.
    </MessagePage>
  );
}
