import type { FileServer } from '../domain/file-server';
import { withFolder } from './folder';
import { withFtp } from './ftp';
import { withSftp } from './sftp';
import type { TargetParts, UploadTarget } from './upload-target';

/**
 * Connects, works and disconnects, whatever happens. Throws `E_UPLOAD_…` errors: user ones where somebody has to change
 * something, operational ones where the world may mend itself; when the signal aborts, its reason.
 * @param wholeMs limit of the whole work
 */
export function withTarget<T>(
  server: FileServer,
  parts: TargetParts,
  signal: AbortSignal,
  wholeMs: number,
  work: (target: UploadTarget) => Promise<T>,
): Promise<T> {
  switch (server.protocol) {
    case 'sftp':
      return withSftp(server, parts.clock, signal, wholeMs, work);
    case 'folder':
      return withFolder(server, parts, signal, wholeMs, work);
    default:
      return withFtp(server, parts.clock, signal, wholeMs, work);
  }
}
