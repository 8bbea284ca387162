import { NavLink } from 'react-router';
import classes from './PageLink.module.css';

/** A link of a bar of pages; the page on screen is underlined, and said to be the present one. */
export function PageLink({ to, label }: { to: string; label: string }) {
  return (
    <NavLink to={to} className={classes.link ?? ''}>
      {label}
    </NavLink>
  );
}
