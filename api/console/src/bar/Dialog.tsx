import { useEffect, useRef, type ReactElement, type ReactNode } from "react";

import { useLanguage } from "../text/language";

interface Props {
  className: string;
  label: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal on the browser's own `<dialog>`: Escape, the button and a click beside it close it. */
export function Dialog({ className, label, onClose, children }: Props): ReactElement {
  const { text } = useLanguage();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={className}
      aria-label={label}
      onClose={onClose}
      onClick={(click) => { if (click.target === dialog.current) dialog.current.close(); }}
    >
      {children}
      <button type="button" className="dialog-close" onClick={() => dialog.current?.close()}>{text.picture.close}</button>
    </dialog>
  );
}
