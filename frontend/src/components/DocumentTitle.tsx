/** Names the browser tab; React hoists it into the head. */
export function DocumentTitle({ children }: { children: string }) {
  return <title>{`${children} · Ictus`}</title>;
}
