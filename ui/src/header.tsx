import { useState } from 'react';
import type { Session, Site } from '../../engine/host/console-api';
import type { Actor } from './actor';
import { api } from './api';
import { DryRunButton } from './dry-run';

export function Header(props: {
  session: Session;
  site: Site | null;
  linked: boolean;
  actor: Actor;
  onSessionEnd: () => void;
}) {
  const { session, site, linked, actor } = props;
  const armed = site?.armed ?? true;
  const [open, setOpen] = useState(false);
  return (
    <header className="top">
      <h1>
        <img src="/favicon.svg" alt="" width="26" height="26" />
        <span>{session.siteName || 'alarmflow'}</span>
      </h1>
      <span className={`link ${linked ? 'up' : 'down'}`} role="status">
        {linked ? 'live' : 'not connected'}
      </span>
      <div className="spring" />
      <label className="armed">
        <input
          type="checkbox"
          role="switch"
          aria-checked={armed}
          checked={armed}
          disabled={!actor.mayOperate || !site}
          onChange={(change) => actor.act(api.setArmed(change.target.checked))}
        />
        <span>{armed ? 'Armed' : 'Disarmed'}</span>
      </label>
      <button
        type="button"
        className="menu-button"
        aria-expanded={open}
        aria-controls="site-menu"
        onClick={() => setOpen(!open)}
      >
        <span className="hidden">Menu</span>
        <span aria-hidden="true">☰</span>
      </button>
      <div id="site-menu" className={open ? 'menu open' : 'menu'}>
        <DryRunButton site={site} actor={actor} />
        {site?.editorPath && (
          <a className="button" href={site.editorPath}>
            Flow editor
          </a>
        )}
        {session.user && (
          <span className="user">
            {session.user.name} <small>{session.user.role}</small>
            <button
              type="button"
              className="plain"
              onClick={() => {
                actor.act(api.logout().then(props.onSessionEnd));
              }}
            >
              Log out
            </button>
          </span>
        )}
      </div>
    </header>
  );
}
