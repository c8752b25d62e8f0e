// Paints a photo with its mask: what becomes the model stays bright, the rest fades, a line runs around.

const LINE_PX = 2;

export interface Marks {
  clicks: readonly (readonly [number, number, 0 | 1])[];
  /** Where the keyboard's cross stands, in pixels of the photo; null without it. */
  cross: [number, number] | null;
}

export function paint(canvas: HTMLCanvasElement, photo: CanvasImageSource, mask: HTMLCanvasElement | null, scale: number, marks: Marks): void {
  const context = canvas.getContext("2d")!;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.drawImage(photo, 0, 0, width, height);
  if (mask) {
    context.drawImage(veil(mask, width, height), 0, 0);
    context.drawImage(outline(mask, width, height, accentOf(canvas)), 0, 0);
  }
  for (const [x, y, label] of marks.clicks) pin(context, x * scale, y * scale, label === 1);
  if (marks.cross) cross(context, marks.cross[0] * scale, marks.cross[1] * scale);
}

/** A grey PNG as a picture whose alpha is the mask. */
export async function readMask(blob: Blob): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(blob);
  const canvas = sheet(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at]!;
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Whether a place, given by its shares of width and height, belongs to the object. */
export function isInside(mask: HTMLCanvasElement | null, across: number, down: number): boolean {
  if (!mask) return false;
  const place = [Math.floor(across * mask.width), Math.floor(down * mask.height)] as const;
  return mask.getContext("2d")!.getImageData(...place, 1, 1).data[3]! > 127;
}

function veil(mask: HTMLCanvasElement, width: number, height: number): HTMLCanvasElement {
  const canvas = sheet(width, height);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "rgba(28, 27, 24, 0.66)";
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(mask, 0, 0, width, height);
  return canvas;
}

function outline(mask: HTMLCanvasElement, width: number, height: number, color: string): HTMLCanvasElement {
  const canvas = sheet(width, height);
  const context = canvas.getContext("2d")!;
  const reach = (LINE_PX * width) / Math.max(width, height, 1) + 0.5;
  for (let turn = 0; turn < 12; turn++) {
    const angle = (turn * Math.PI) / 6;
    context.drawImage(mask, reach * Math.cos(angle), reach * Math.sin(angle), width, height);
  }
  context.globalCompositeOperation = "source-in";
  context.fillStyle = color;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(mask, 0, 0, width, height);
  return canvas;
}

function pin(context: CanvasRenderingContext2D, x: number, y: number, isObject: boolean): void {
  context.beginPath();
  context.arc(x, y, 8, 0, 2 * Math.PI);
  context.fillStyle = isObject ? "#1f6f54" : "#b23a2a";
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = "#fff";
  context.stroke();
  context.beginPath();
  context.moveTo(x - 4, y);
  context.lineTo(x + 4, y);
  if (isObject) {
    context.moveTo(x, y - 4);
    context.lineTo(x, y + 4);
  }
  context.stroke();
}

function cross(context: CanvasRenderingContext2D, x: number, y: number): void {
  for (const [color, width] of [["#000", 4], ["#fff", 2]] as const) {
    context.beginPath();
    context.strokeStyle = color;
    context.lineWidth = width;
    context.moveTo(x - 16, y);
    context.lineTo(x + 16, y);
    context.moveTo(x, y - 16);
    context.lineTo(x, y + 16);
    context.stroke();
  }
}

const accentOf = (canvas: HTMLCanvasElement) => getComputedStyle(canvas).getPropertyValue("--outline").trim() || "#ffffff";

function sheet(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}
