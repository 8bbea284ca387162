import { Modal, type ModalProps } from '@mantine/core';
import { FocusReturn } from './FocusReturn';

/** A dialog that is open for as long as it is rendered, and then gives the focus back. */
export function Dialog(props: Omit<ModalProps, 'opened' | 'returnFocus'>) {
  return (
    <FocusReturn>
      <Modal {...props} opened returnFocus={false} />
    </FocusReturn>
  );
}
