// The texture as a flat sheet with the outlines of all faces on it.

import type { Model } from "./model";

const LINE = "rgba(255,255,255,0.4)";
const MOST_FACES = 60_000;

export function paintUvSheet(canvas: HTMLCanvasElement, model: Model): void {
  const side = canvas.width;
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#3a3733";
  context.fillRect(0, 0, side, side);
  for (const { mesh, material } of model.pieces) {
    const image = material.map?.image as CanvasImageSource | undefined;
    if (image) {
      context.globalAlpha = 0.75;
      context.drawImage(image, 0, 0, side, side);
      context.globalAlpha = 1;
    }
    const { uv } = mesh.geometry.attributes;
    const { index } = mesh.geometry;
    if (!uv) continue;
    const corners = index?.count ?? uv.count;
    const step = 3 * Math.max(1, Math.ceil(corners / 3 / MOST_FACES));
    context.strokeStyle = LINE;
    context.lineWidth = 0.35;
    context.beginPath();
    for (let first = 0; first + 2 < corners; first += step) {
      for (let corner = 0; corner < 4; corner++) {
        const vertex = index ? index.getX(first + (corner % 3)) : first + (corner % 3);
        const x = uv.getX(vertex) * side;
        const y = uv.getY(vertex) * side;
        if (corner) context.lineTo(x, y);
        else context.moveTo(x, y);
      }
    }
    context.stroke();
  }
}
