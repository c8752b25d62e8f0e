// Delete, after one question.

import { useState } from "preact/hooks";
import { asTrouble, type Trouble } from "../server/client";
import { removeJob } from "../state/history";
import { Dialog } from "./dialog";
import { Icon } from "./icons";
import { Notice } from "./notice";

export function DeleteButton({ id, title, onDone, small }: { id: string; title: string; onDone?: () => void; small?: boolean }) {
  const [asking, setAsking] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const remove = async () => {
    try {
      await removeJob(id);
      setAsking(false);
      onDone?.();
    } catch (thrown) {
      setTrouble(asTrouble(thrown));
    }
  };
  return (
    <>
      <button type="button" class={small ? "plain square" : "plain"} aria-label={`Delete ${title}`} onClick={() => setAsking(true)}>
        <Icon name="bin" />
        {!small && "Delete"}
      </button>
      {asking && (
        <Dialog title={`Delete “${title}”?`} onClose={() => setAsking(false)}>
          <p>Its model and all its files are removed from the server. This can't be undone.</p>
          {trouble && <Notice trouble={trouble} />}
          <div class="row end">
            <button type="button" onClick={() => setAsking(false)}>Keep it</button>
            <button type="button" class="danger" onClick={remove}>Delete</button>
          </div>
        </Dialog>
      )}
    </>
  );
}
