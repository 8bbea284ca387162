import { csrfHeaders, type Schema } from '@/client';
import { type ProblemError, toProblem, unreachable } from '@/lib/problem';

type StudyDetail = Schema<'StudyDetail'>;
export type Modality = Schema<'Modality'>;
export type Priority = Schema<'Priority'>;

export interface UploadRequest {
  readonly files: readonly File[];
  readonly modality: Modality | null;
  readonly priority: Priority;
}

export interface UploadAnswer {
  readonly study: StudyDetail;
  /** False when the same bytes had been uploaded before: the study is the one that was there. */
  readonly created: boolean;
}

interface SendOptions {
  /** Bytes sent so far and in all; both 0 until the browser knows. */
  readonly onProgress: (sent: number, total: number) => void;
  readonly signal: AbortSignal;
}

function formOf({ files, modality, priority }: UploadRequest): FormData {
  const form = new FormData();
  form.set('priority', priority);
  if (modality !== null) {
    form.set('modality', modality);
  }
  // The content says what a file is; a neutral name keeps identity that file names carry out of the request.
  files.forEach((file, index) => {
    form.append('files', file, `file-${index}`);
  });
  return form;
}

function problemOf(request: XMLHttpRequest): ProblemError {
  return toProblem(request.status, request.response, request.getResponseHeader('Retry-After'));
}

/**
 * Sends one study. It uses XMLHttpRequest because fetch cannot say how much of a body has been sent.
 *
 * @throws ProblemError (rejection) when the gateway refuses or cannot be reached; an AbortError when cancelled.
 */
export function sendUpload(
  upload: UploadRequest,
  { onProgress, signal }: SendOptions,
): Promise<UploadAnswer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/api/v1/studies');
    request.responseType = 'json';
    for (const [name, value] of Object.entries(csrfHeaders())) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onProgress(event.loaded, event.lengthComputable ? event.total : 0);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException('The upload was cancelled.', 'AbortError'));
    request.onload = () => {
      if (request.status === 200 || request.status === 201) {
        resolve({ study: request.response, created: request.status === 201 });
      } else {
        reject(problemOf(request));
      }
    };
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(formOf(upload));
  });
}
