// Where photos come in: dropped, chosen, pasted, or taken.

import { useEffect, useRef, useState } from "preact/hooks";
import { addFiles } from "../state/draft";
import { CameraDialog, hasLiveCamera } from "./camera";
import { FlatToSolid } from "./flat_to_solid";
import { Icon } from "./icons";

const ACCEPTED = "image/*,.heic,.heif,.avif,.tif,.tiff,.svg";

export function DropZone({ small }: { small?: boolean }) {
  const chooser = useRef<HTMLInputElement>(null);
  const taker = useRef<HTMLInputElement>(null);
  const [camera, setCamera] = useState(false);
  const over = useDropsAnywhere();
  const take = () => (hasLiveCamera() ? setCamera(true) : taker.current!.click());
  return (
    <div class={`drop ${small ? "small" : ""} ${over ? "over" : ""}`}>
      {!small && <FlatToSolid />}
      {!small && <p class="drop-title"><span class="mouse">Drop photos here</span><span class="touch">Bring your photos</span></p>}
      <div class="row centre">
        <button type="button" class={small ? "" : "main big"} onClick={() => chooser.current!.click()}>
          <Icon name={small ? "plus" : "picture"} />
          {small ? "Add photos" : "Choose photos"}
        </button>
        <button type="button" class={small ? "" : "big"} onClick={take}>
          <Icon name="camera" />
          {small ? "Camera" : "Use the camera"}
        </button>
      </div>
      {!small && <p class="quiet hint-paste">or paste one with <kbd>Ctrl</kbd> <kbd>V</kbd></p>}
      <input ref={chooser} hidden type="file" accept={ACCEPTED} multiple aria-label="Choose photos" onChange={given} />
      <input ref={taker} hidden type="file" accept="image/*" capture="environment" aria-label="Take a photo" onChange={given} />
      {camera && <CameraDialog onClose={() => setCamera(false)} />}
    </div>
  );
}

function given(event: Event): void {
  const input = event.currentTarget as HTMLInputElement;
  addFiles(input.files ?? []);
  input.value = "";
}

/** The whole page takes drops and pastes; true while something is dragged over it. */
function useDropsAnywhere(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const on = new AbortController();
    const listen = <Name extends keyof WindowEventMap>(name: Name, heard: (event: WindowEventMap[Name]) => void) =>
      addEventListener(name, heard, { signal: on.signal });
    listen("dragover", (event) => (event.preventDefault(), setOver(true)));
    listen("dragleave", (event) => event.relatedTarget === null && setOver(false));
    listen("drop", (event) => {
      event.preventDefault();
      setOver(false);
      addFiles(event.dataTransfer?.files ?? []);
    });
    listen("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) addFiles(files);
    });
    return () => on.abort();
  }, []);
  return over;
}
