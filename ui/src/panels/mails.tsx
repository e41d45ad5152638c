import type { CaughtMail } from '../../../engine/host/console-api';
import { clockTime, dayAndTime } from '../words';

export function MailsPanel({ mails }: { mails: CaughtMail[] }) {
  return (
    <section className="panel" aria-labelledby="mails-title">
      <h2 id="mails-title">
        Mails of the demo <span className="count">{mails.length}</span>
      </h2>
      {mails.length === 0 && <p className="empty">No mail has been sent yet.</p>}
      <ul className="mails">
        {mails.map((mail, index) => (
          <li key={mail.id}>
            <details open={index === 0}>
              <summary>
                <time title={dayAndTime(mail.receivedAt)}>{clockTime(mail.receivedAt)}</time>
                <span>{mail.subject || '(no subject)'}</span>
              </summary>
              <p className="small">
                {mail.from} → {mail.to.join(', ')}
              </p>
              <pre>{mail.text}</pre>
              {mail.attachments
                .filter((attachment) => attachment.contentType.startsWith('image/'))
                .map((attachment) => (
                  <img
                    key={attachment.mediaId}
                    src={`/api/v1/media/${encodeURIComponent(attachment.mediaId)}`}
                    alt={attachment.name}
                  />
                ))}
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}
