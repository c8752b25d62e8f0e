// The page for a phone: one model, to be turned and put into the room. What to show stands behind “#”.

import { ModelViewerElement } from "@google/model-viewer";
import "./style/base.css";
import "./style/controls.css";
import "./style/ar.css";

// Our GLB files are never compressed by these; without a place they can't be fetched from anywhere.
ModelViewerElement.dracoDecoderLocation = "/no-draco/";
ModelViewerElement.ktx2TranscoderLocation = "/no-ktx2/";

const wanted = new URLSearchParams(location.hash.slice(1));
const word = document.getElementById("word")!;
const place = document.getElementById("place") as HTMLButtonElement;
const title = wanted.get("title") || "Model";

function own(name: string): string | null {
  const path = wanted.get(name);
  // Only paths of this server: a link must not make this page show what lies elsewhere.
  return path?.startsWith("/v1/") ? path : null;
}

function show(glb: string): void {
  const viewer = document.getElementById("viewer") as ModelViewerElement;
  viewer.alt = `${title} in 3D`;
  viewer.iosSrc = own("usdz");
  viewer.src = glb;
  viewer.addEventListener("load", () => {
    word.textContent = viewer.canActivateAR ? "Drag to turn it." : "Drag to turn it. This device can't place it in the room; a phone or tablet can.";
    place.hidden = !viewer.canActivateAR;
    document.body.dataset.ready = "yes";
  });
  viewer.addEventListener("error", () => (word.textContent = "The model can't be loaded. The link may be older than a day: make a new one in the studio."));
  viewer.addEventListener("ar-status", (event) => {
    if ((event as CustomEvent<{ status: string }>).detail.status === "failed") word.textContent = "Your phone could not place it. Give it permission to use the camera, and try again.";
  });
  place.addEventListener("click", () => void viewer.activateAR());
}

document.title = `${title} · unflat`;
document.getElementById("title")!.textContent = title;
const glb = own("glb");
if (glb) show(glb);
else word.textContent = "This link is not whole. Scan the QR code in the studio again.";
