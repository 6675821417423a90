import type { ReactElement } from "react";

import { useLanguage } from "../text/language";
import { Dialog } from "./Dialog";

export function Keys({ onClose }: { onClose: () => void }): ReactElement {
  const { text } = useLanguage();
  const rows: [string, string][] = [
    ["J", text.keys.down],
    ["K", text.keys.up],
    ["Enter", text.keys.enter],
    ["G", text.keys.newest],
    ["P", text.keys.picture],
    ["S", text.keys.search],
    ["?", text.keys.help],
  ];
  return (
    <Dialog className="keys" label={text.keys.title} onClose={onClose}>
      <h2>{text.keys.title}</h2>
      <dl>
        {rows.map(([key, meaning]) => (
          <div key={key}><dt><kbd>{key}</kbd></dt><dd>{meaning}</dd></div>
        ))}
      </dl>
    </Dialog>
  );
}
