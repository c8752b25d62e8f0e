// The camera of this computer. Phones open their own camera instead, which is better.

import { useEffect, useRef, useState } from "preact/hooks";
import { addFiles } from "../state/draft";
import { Dialog } from "./dialog";
import { Icon } from "./icons";
import { Loading, Notice } from "./notice";

export const hasLiveCamera = () => Boolean(navigator.mediaDevices) && matchMedia("(pointer: fine)").matches;

export function CameraDialog({ onClose }: { onClose: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<"asking" | "live" | "refused">("asking");
  const [taken, setTaken] = useState(0);
  useEffect(() => {
    let stream: MediaStream | null = null;
    let closed = false;
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: "environment", width: { ideal: 2560 } } })
      .then((given) => {
        stream = given;
        if (closed) return stop(given);
        video.current!.srcObject = given;
        setState("live");
      })
      .catch(() => setState("refused"));
    return () => {
      closed = true;
      if (stream) stop(stream);
    };
  }, []);
  const take = async () => {
    addFiles([await frameOf(video.current!, taken + 1)]);
    setTaken(taken + 1);
  };
  return (
    <Dialog title="Take photos" onClose={onClose}>
      {state === "asking" && <Loading text="Waiting for the camera. Your browser may ask you to allow it." />}
      {state === "refused" && (
        <Notice trouble="The camera can't be used.">Allow it in your browser's address bar, or choose a photo instead.</Notice>
      )}
      <video ref={video} class={state === "live" ? "camera" : "away"} autoplay muted playsInline aria-label="What the camera sees" />
      <p class="quiet" role="status">
        {taken ? `${taken} taken. Walk around the thing for more.` : "Fill the picture with the thing, in even light."}
      </p>
      <div class="row end">
        <button type="button" class="main" disabled={state !== "live"} onClick={take}>
          <Icon name="camera" />
          Take photo
        </button>
        <button type="button" onClick={onClose}>Done</button>
      </div>
    </Dialog>
  );
}

const stop = (stream: MediaStream) => stream.getTracks().forEach((track) => track.stop());

async function frameOf(video: HTMLVideoElement, number: number): Promise<File> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")!.drawImage(video, 0, 0);
  const blob = await new Promise<Blob>((resolve) => canvas.toBlob((made) => resolve(made!), "image/jpeg", 0.95));
  return new File([blob], `photo ${number}.jpg`, { type: "image/jpeg" });
}
