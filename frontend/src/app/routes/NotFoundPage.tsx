import { MessagePage } from './MessagePage';

export function NotFoundPage() {
  return (
    <MessagePage title="Nothing here">
      There is no such page, or what it showed belongs to another site or has been removed.
    </MessagePage>
  );
}
