// The photo with its mask. A click (or the keyboard's cross) says “this belongs to it” or “this does not”.

import { useEffect, useRef, useState } from "preact/hooks";
import { contentPath, fetchBlob, findMask } from "../server/calls";
import { asTrouble, type Trouble } from "../server/client";
import type { Box, Click } from "../server/types";
import { announce } from "../state/announce";
import { change, type Photo } from "../state/draft";
import { hintFor } from "../words/hints";
import { Icon } from "./icons";
import { isInside, paint, readMask } from "./mask_painter";

const SHOWN_PX = 1100;
const UNSURE = 0.5;
const MARGIN = 0.04;

export function MaskEditor({ photo }: { photo: Photo }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [label, setLabel] = useState<0 | 1 | null>(null);
  const [cross, setCross] = useState<[number, number] | null>(null);
  const image = useImage(photo.url);
  const { mask, busy, trouble, confidence } = useMask(photo);
  const scale = photo.width ? Math.min(1, SHOWN_PX / Math.max(photo.width, photo.height)) : 1;

  useEffect(() => {
    if (!image || !canvas.current || !photo.width) return;
    canvas.current.width = Math.round(photo.width * scale);
    canvas.current.height = Math.round(photo.height * scale);
    paint(canvas.current, image, mask, scale, { clicks: photo.clicks, cross });
  }, [image, mask, photo.clicks, cross, scale]);

  const mark = (x: number, y: number) => {
    if (x < 0 || y < 0 || x >= photo.width || y >= photo.height) return;
    const meant = label ?? (isInside(mask, x / photo.width, y / photo.height) ? 0 : 1);
    change(photo.key, { clicks: [...photo.clicks, [Math.round(x), Math.round(y), meant] as Click] });
  };
  const clicked = (event: MouseEvent) => {
    const frame = canvas.current!.getBoundingClientRect();
    mark(((event.clientX - frame.left) / frame.width) * photo.width, ((event.clientY - frame.top) / frame.height) * photo.height);
  };
  const pressed = (event: KeyboardEvent) => {
    const [x, y] = cross ?? [photo.width / 2, photo.height / 2];
    const step = (event.shiftKey ? 0.1 : 0.02) * Math.max(photo.width, photo.height);
    const to: Record<string, [number, number]> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const move = to[event.key];
    if (move) setCross([Math.min(photo.width - 1, Math.max(0, x + move[0])), Math.min(photo.height - 1, Math.max(0, y + move[1]))]);
    else if (event.key === "Enter" || event.key === " ") mark(x, y);
    else return;
    event.preventDefault();
  };
  return (
    <section class="mask-editor" aria-label={`What becomes the model in ${photo.name}`}>
      <div class="mask-frame" aria-busy={busy}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={`${photo.name}. Arrow keys move a cross, Enter marks the place as ${label === null ? "wrong" : label ? "object" : "background"}.`}
          onClick={clicked}
          onKeyDown={pressed}
          onFocus={(event) => event.currentTarget.matches(":focus-visible") && setCross([photo.width / 2, photo.height / 2])}
          onBlur={() => setCross(null)}
        />
        {busy && <span class="mask-busy" aria-hidden="true" />}
      </div>
      <p class="mask-word" role="status">{wordFor(busy, trouble, confidence, photo.clicks.length)}</p>
      <div class="row mask-tools">
        <div class="switch" role="group" aria-label="A click means">
          <button type="button" aria-pressed={label === null} onClick={() => setLabel(null)}>
            Wrong here
          </button>
          <button type="button" aria-pressed={label === 0} onClick={() => setLabel(0)}>
            <Icon name="minus" />
            Background
          </button>
          <button type="button" aria-pressed={label === 1} onClick={() => setLabel(1)}>
            <Icon name="plus" />
            Object
          </button>
        </div>
        <button type="button" class="plain" disabled={!photo.clicks.length} onClick={() => change(photo.key, { clicks: photo.clicks.slice(0, -1) })}>
          <Icon name="undo" />
          Undo
        </button>
        <button type="button" class="plain" disabled={!photo.clicks.length} onClick={() => change(photo.key, { clicks: [] })}>
          No clicks
        </button>
      </div>
    </section>
  );
}

function wordFor(busy: boolean, trouble: Trouble | null, confidence: number | null, clicks: number): string {
  if (busy) return clicks ? "Looking again…" : "Looking for the object…";
  if (trouble && clicks) return "That click does not lead to an object. Undo it, or click another place.";
  if (trouble) return `${trouble.message} ${hintFor(trouble.code, trouble.hint)}`;
  if (confidence !== null && confidence < UNSURE) return "Not sure about this one. Click what is wrong, or make it and see.";
  return "The bright part becomes the model. Click where that is wrong.";
}

function useImage(url: string | null): HTMLImageElement | null {
  const [image, setImage] = useState<HTMLImageElement | null>(null);
  useEffect(() => {
    setImage(null);
    if (!url) return;
    const loading = new Image();
    loading.addEventListener("load", () => setImage(loading));
    loading.src = url;
  }, [url]);
  return image;
}

/** The mask that the server would take, found again after each click. */
function useMask(photo: Photo) {
  const [mask, setMask] = useState<HTMLCanvasElement | null>(null);
  const [busy, setBusy] = useState(true);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [confidence, setConfidence] = useState<number | null>(null);
  const firstBox = useRef<Box | null>(null);
  const { key, id, clicks } = photo;
  useEffect(() => {
    if (!id) return;
    const going = new AbortController();
    setBusy(true);
    findMask(id, clicks.length ? around(firstBox.current, clicks, photo) : null, clicks, going.signal)
      .then(async (answer) => {
        const read = await readMask(await fetchBlob(contentPath(answer.file)));
        if (going.signal.aborted) return;
        setMask(read);
        setTrouble(null);
        if (!clicks.length) firstBox.current = answer.box;
        setConfidence(answer.confidence);
        change(key, { mask: answer.file });
        announce(clicks.length ? "Mask changed." : "Object found.");
      })
      .catch((thrown) => going.signal.aborted || setTrouble(asTrouble(thrown)))
      .finally(() => going.signal.aborted || setBusy(false));
    return () => going.abort();
  }, [id, clicks]);
  return { mask, busy, trouble, confidence };
}

/** Where to look: around what was found first, and around every click on the object. */
function around(first: Box | null, clicks: Click[], { width, height }: Photo): Box | null {
  if (!first) return null;
  const margin = MARGIN * Math.max(width, height);
  const places = clicks.filter(([, , label]) => label).map(([x, y]) => [x - margin, y - margin, x + margin, y + margin]);
  const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => (side < 2 ? Math.min : Math.max)(first[side]!, ...places.map((place) => place[side]!)));
  return [Math.max(0, left!), Math.max(0, top!), Math.min(width, right!), Math.min(height, bottom!)];
}
