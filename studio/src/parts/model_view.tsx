// The model, to be turned: by pointer, by touch, or by keys.

import { useEffect, useRef, useState } from "preact/hooks";
import { ask, asTrouble, type Trouble } from "../server/client";
import { announce } from "../state/announce";
import type { Link } from "../viewer/link";
import type { Model } from "../viewer/model";
import type { Mode } from "../viewer/mode_names";
import type { Stage } from "../viewer/stage";
import { Icon } from "./icons";
import { Loading, Notice } from "./notice";

interface Props {
  path: string;
  title: string;
  mode: Mode;
  link?: Link;
}

export function ModelView({ path, title, mode, link }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [shown, setShown] = useState<{ stage: Stage; model: Model } | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const going = new AbortController();
    let undo = () => {};
    setTrouble(null);
    open(path, canvas.current!, going.signal)
      .then(({ stage, model }) => {
        const unlink = link?.add(stage);
        undo = () => (unlink?.(), stage.dispose());
        if (going.signal.aborted) return undo();
        setShown({ stage, model });
        announce(`${title}: the model is shown.`);
      })
      .catch((thrown) => going.signal.aborted || setTrouble(asTrouble(thrown)));
    return () => (going.abort(), undo(), setShown(null));
  }, [path, tries]);
  useEffect(() => {
    if (shown) shown.stage.mode = mode;
  }, [shown, mode]);
  return (
    <div class="model-view">
      <canvas
        key={`${path} ${tries}`}
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={`${title} in 3D. Arrow keys turn it, plus and minus come nearer, Home goes back.`}
        onKeyDown={(event) => shown && turned(shown.stage, event)}
      />
      {shown && <ViewTools stage={shown.stage} />}
      {shown && mode === "uv" && <UvSheet model={shown.model} />}
      {!shown && !trouble && <div class="over"><Loading text="Loading the model…" /></div>}
      {trouble && (
        <div class="over">
          <Notice trouble={trouble}>
            <button type="button" onClick={() => setTries(tries + 1)}>Try again</button>
          </Notice>
        </div>
      )}
    </div>
  );
}

async function open(path: string, canvas: HTMLCanvasElement, signal: AbortSignal): Promise<{ stage: Stage; model: Model }> {
  const [content, { readModel }, { Stage }] = await Promise.all([
    ask(path, { signal }).then((response) => response.arrayBuffer()),
    import("../viewer/model"),
    import("../viewer/stage"),
  ]);
  const model = await readModel(content);
  const stage = new Stage(canvas);
  stage.show(model);
  return { stage, model };
}

function ViewTools({ stage }: { stage: Stage }) {
  return (
    <div class="view-tools">
      <button type="button" class="square" aria-label="Come nearer" onClick={() => stage.step(0, 0, 0.8)}><Icon name="plus" /></button>
      <button type="button" class="square" aria-label="Go farther" onClick={() => stage.step(0, 0, 1.25)}><Icon name="minus" /></button>
      <button type="button" class="square" aria-label="Back to the first view" onClick={() => stage.reset()}><Icon name="undo" /></button>
    </div>
  );
}

function UvSheet({ model }: { model: Model }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    void import("../viewer/uv_sheet").then(({ paintUvSheet }) => canvas.current && paintUvSheet(canvas.current, model));
  }, [model]);
  return (
    <figure class="uv-sheet">
      <canvas ref={canvas} width={768} height={768} role="img" aria-label="The texture, flat, with the outlines of the faces" />
    </figure>
  );
}

function turned(stage: Stage, event: KeyboardEvent): void {
  const does: Record<string, () => void> = {
    ArrowLeft: () => stage.step(-1, 0),
    ArrowRight: () => stage.step(1, 0),
    ArrowUp: () => stage.step(0, -1),
    ArrowDown: () => stage.step(0, 1),
    "+": () => stage.step(0, 0, 0.9),
    "=": () => stage.step(0, 0, 0.9),
    "-": () => stage.step(0, 0, 1.1),
    Home: () => stage.reset(),
  };
  if (event.ctrlKey || event.metaKey || !does[event.key]) return;
  does[event.key]!();
  event.preventDefault();
}
