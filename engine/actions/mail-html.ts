/** The HTML of a mail, made from its text: nothing in it is markup but ours. */
import type { AlarmLinks } from '../domain/mail';

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]!);

/** A line of a list of facts: a short name, a colon, a value. */
const factLine = /^([A-Za-z][A-Za-z ]{0,30}): +(\S.{0,2000})$/;
/** A table wants more than a sentence that happens to have a colon. */
const LEAST_FACTS = 2;

// Grey lines and no colours of our own on text: mail programs in dark mode invert what is left to them.
const style = `:root{color-scheme:light dark;supported-color-schemes:light dark}
body{margin:0;padding:16px;font:15px/1.5 -apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
.m{max-width:640px;margin:0 auto}p{margin:0 0 14px}table{border-collapse:collapse;margin:0 0 14px}
td{padding:4px 16px 4px 0;vertical-align:top;border-bottom:1px solid #8884}td:first-child{opacity:.7;white-space:nowrap}
img{max-width:100%;height:auto;margin:0 0 8px;border-radius:4px}
.a a{display:inline-block;margin:0 8px 8px 0;padding:8px 14px;border:1px solid #888;border-radius:4px;color:inherit;text-decoration:none}
.f{margin-top:20px;padding-top:8px;border-top:1px solid #8884;font-size:12px;opacity:.7}`;

function block(lines: string[]): string {
  const facts = lines.map((line) => factLine.exec(line));
  if (lines.length >= LEAST_FACTS && facts.every((fact) => fact !== null))
    return `<table role="presentation">${facts
      .map((fact) => `<tr><td>${escapeHtml(fact![1]!)}</td><td>${escapeHtml(fact![2]!)}</td></tr>`)
      .join('')}</table>`;
  // Lines that are lined up by blanks stay lined up.
  return `<p>${lines.map((line) => escapeHtml(line).replace(/ {2}/g, ' &nbsp;')).join('<br>\n')}</p>`;
}

const linkWords: [keyof AlarmLinks, string][] = [
  ['acknowledge', 'Acknowledge'],
  ['snooze', 'Snooze'],
  ['falseAlarm', 'False alarm'],
];

/** Only addresses of web pages become links, whoever made them. */
const linksOf = (links: AlarmLinks): [string, string][] =>
  linkWords.flatMap(([name, words]) => (/^https?:\/\/\S+$/i.test(links[name]) ? [[words, links[name]]] : []));

/** At the end of a text; '' without links. */
export const linksText = (links: AlarmLinks | null): string =>
  links === null
    ? ''
    : `\n\n${linksOf(links)
        .map(([words, url]) => `${`${words}:`.padEnd(13)}${url}`)
        .join('\n')}`;

/**
 * @param parts.images content ids of pictures to show below the text
 * @param parts.site name of the site, for the last line
 */
export function mailHtml(parts: {
  text: string;
  images: { cid: string; name: string }[];
  links: AlarmLinks | null;
  site: string;
}): string {
  const blocks = parts.text
    .trim()
    .split(/\n{2,}/)
    .map((text) => block(text.split('\n')));
  const images = parts.images.map(
    ({ cid, name }) => `<img src="cid:${escapeHtml(cid)}" alt="${escapeHtml(name)}" width="640">`,
  );
  const links =
    parts.links === null
      ? ''
      : `<p class="a">${linksOf(parts.links)
          .map(([words, url]) => `<a href="${escapeHtml(url)}">${words}</a>`)
          .join('\n')}</p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<style>${style}</style></head><body><div class="m">
${[...blocks, ...images].join('\n')}
${links}
<p class="f">${escapeHtml(parts.site)} · alarmflow</p>
</div></body></html>
`;
}
