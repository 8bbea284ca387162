import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { sendUpload, type UploadRequest } from './sendUpload';

export interface UploadProgress {
  readonly sent: number;
  readonly total: number;
}

/**
 * Sends a study and says how far it is. `cancel` breaks it off, and so does leaving the page; nothing is kept of it
 * then.
 */
export function useUpload() {
  const client = useQueryClient();
  const controller = useRef<AbortController | null>(null);
  const [progress, setProgress] = useState<UploadProgress | null>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const upload = useMutation({
    mutationFn: (request: UploadRequest) => {
      controller.current = new AbortController();
      setProgress({ sent: 0, total: 0 });
      return sendUpload(request, {
        onProgress: (sent, total) => setProgress({ sent, total }),
        signal: controller.current.signal,
      });
    },
    onSuccess: ({ study }) => {
      client.setQueryData(['study', study.id], study);
      return client.invalidateQueries({ queryKey: ['worklist'] });
    },
    onSettled: () => setProgress(null),
  });
  return { ...upload, progress, cancel: () => controller.current?.abort() };
}
