import { NavLink } from 'react-router';
import classes from './PageLink.module.css';

interface PageLinkProps {
  readonly to: string;
  readonly label: string;
  /** Only this very page, not those below it. */
  readonly end?: boolean;
}

/** A link of a bar of pages; the page on screen is underlined, and said to be the present one. */
export function PageLink({ to, label, end = false }: PageLinkProps) {
  return (
    <NavLink to={to} end={end} className={classes.link ?? ''}>
      {label}
    </NavLink>
  );
}
