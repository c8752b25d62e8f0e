// The model that is being prepared: its photos, their masks, and what is wanted. A reload does not lose it.

import { signal } from "@preact/signals";
import { contentPath, fileInfo, placeOrder, upload } from "../server/calls";
import { asTrouble, type Trouble } from "../server/client";
import { fileId, type Click, type Job, type Order, type Quality } from "../server/types";
import { ALL_FORMATS } from "../words/targets";
import { announce } from "./announce";
import { titleOf } from "./history";
import { pictureUrl } from "./pictures";

export interface Photo {
  key: string;
  name: string;
  /** An address to show it by; null while it is fetched. */
  url: string | null;
  id: string | null;
  width: number;
  height: number;
  /** How much is at the server, 0 to 1. */
  share: number;
  trouble: Trouble | null;
  clicks: Click[];
  mask: string | null;
}

export interface Wishes {
  /** What several photos become. */
  set: "together" | "sides" | "each";
  turned: boolean;
  target: string;
  quality: Quality;
  height: string;
  unit: "cm" | "mm" | "m" | "in";
}

const KEY = "unflat.draft";
const NO_WISHES: Wishes = { set: "together", turned: false, target: "", quality: "standard", height: "", unit: "cm" };
const PICTURE = /^image\/|\.(hei[cf]|avif|tiff?|svg)$/i;

export const photos = signal<Photo[]>([]);
export const wishes = signal<Wishes>(NO_WISHES);
export const draftTrouble = signal<Trouble | string | null>(null);

const files = new Map<string, File>();

export const change = (key: string, part: Partial<Photo>): void => {
  photos.value = photos.value.map((photo) => (photo.key === key ? { ...photo, ...part } : photo));
  keep();
};
export const wish = (part: Partial<Wishes>): void => {
  wishes.value = { ...wishes.value, ...part };
  keep();
};

export function addFiles(list: Iterable<File>): void {
  const given = [...list];
  const good = given.filter((file) => PICTURE.test(file.type) || PICTURE.test(file.name));
  draftTrouble.value = good.length < given.length ? "Only pictures can be used: JPEG, PNG, WebP, HEIC, TIFF, AVIF or SVG." : null;
  for (const file of good) addOne(file);
  if (good.length) announce(good.length === 1 ? `${good[0]!.name} added.` : `${good.length} photos added.`);
}

function addOne(file: File): void {
  const key = newKey();
  files.set(key, file);
  const url = URL.createObjectURL(file);
  photos.value = [...photos.value, { ...EMPTY, key, name: file.name || "photo.png", url }];
  void send(key);
}

/** Send a photo that was not sent, or not wholly. */
export async function send(key: string): Promise<void> {
  const file = files.get(key);
  const photo = photos.value.find((one) => one.key === key);
  if (!file || !photo) return;
  change(key, { trouble: null, share: 0 });
  try {
    const stored = await upload(file, photo.name, (share) => change(key, { share: Math.min(share, 0.98) }));
    const size = stored.width_px && stored.height_px ? { width: stored.width_px, height: stored.height_px } : await sizeOf(photo.url!);
    change(key, { id: stored.id, share: 1, ...size });
  } catch (thrown) {
    change(key, { trouble: asTrouble(thrown) });
    announce(`${photo.name} was not taken: ${asTrouble(thrown).message}`);
  }
}

export function dropPhoto(key: string): void {
  photos.value = photos.value.filter((photo) => photo.key !== key);
  files.delete(key);
  keep();
}

export function clearDraft(): void {
  photos.value = [];
  draftTrouble.value = null;
  files.clear();
  keep();
}

/** Prepare the same again, to be changed before it is made. */
export async function draftFrom(job: Job): Promise<void> {
  const order = job.order;
  const ids = order.pictures.map(fileId).filter((id): id is string => id !== null);
  clearDraft();
  const height = /^([\d.]+)\s*(cm|mm|m|in)$/.exec(order.height ?? "");
  wishes.value = {
    set: order.sides?.length ? "sides" : order.source === "photos" || ids.length < 2 ? "together" : "each",
    turned: Boolean(order.object_masks),
    target: order.target ?? "",
    quality: order.quality ?? "standard",
    height: height?.[1] ?? "",
    unit: (height?.[2] as Wishes["unit"]) ?? "cm",
  };
  const title = titleOf(job);
  const clicks = order.clicks ?? [];
  const mask = fileId(order.mask);
  photos.value = ids.map((id, index) => ({ ...EMPTY, key: newKey(), id, name: ids.length > 1 ? `${title} ${index + 1}` : title, share: 1, clicks, mask }));
  await Promise.all(photos.value.map(recall));
  keep();
}

/** Photos that lie at the server from before the reload. */
export async function restoreDraft(): Promise<void> {
  try {
    const saved = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as { photos: Photo[]; wishes: Wishes } | null;
    if (!saved) return;
    wishes.value = { ...NO_WISHES, ...saved.wishes };
    photos.value = saved.photos;
    await Promise.all(photos.value.map(recall));
  } catch {
    clearDraft();
  }
}

async function recall(photo: Photo): Promise<void> {
  try {
    const [info, url] = await Promise.all([fileInfo(photo.id!), pictureUrl(contentPath(photo.id!))]);
    const size = info.width_px && info.height_px ? { width: info.width_px, height: info.height_px } : await sizeOf(url);
    change(photo.key, { url, ...size });
  } catch (thrown) {
    change(photo.key, { trouble: asTrouble(thrown) });
  }
}

/** Which sides so many photos show, in order; undefined where there are too few or too many. */
export const sidesOf = (count: number): string[] | undefined => SIDES[count];
const SIDES: Record<number, string[]> = { 2: ["front", "back"], 3: ["front", "left", "back"], 4: ["front", "left", "back", "right"] };

/** Place the orders: one for all photos together, or one for each. Gives the jobs. */
export async function makeModels(): Promise<Job[]> {
  const ready = photos.value.filter((photo) => photo.id);
  const sets = wishes.value.set !== "each" && ready.length > 1 ? [ready] : ready.map((photo) => [photo]);
  const jobs = [];
  for (const set of sets) jobs.push(await placeOrder(orderOf(set), newKey()));
  return jobs;
}

function orderOf(set: Photo[]): Order {
  const { target, quality, height, unit, turned } = wishes.value;
  const alone = set.length === 1 ? set[0]! : null;
  const sides = wishes.value.set === "sides" ? sidesOf(set.length) : undefined;
  const title = (set.length > 1 ? `${bare(set[0]!.name)} (${set.length} photos)` : bare(set[0]!.name)).slice(0, 80);
  return {
    kind: "make",
    pictures: set.map((photo) => ({ file: photo.id! })),
    ...(alone ? {} : sides ? { sides } : { source: "photos", object_masks: turned }),
    target,
    quality,
    ...(Number(height) > 0 ? { height: `${height}${unit}` } : {}),
    // The mask is sent where the user has corrected it, else the server finds it again by itself.
    ...(alone?.mask && alone.clicks.length ? { mask: { file: alone.mask } } : {}),
    formats: ALL_FORMATS,
    preview: true,
    labels: { title },
  };
}

function keep(): void {
  const sent = photos.value.filter((photo) => photo.id);
  try {
    if (!sent.length) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify({ photos: sent.map((photo) => ({ ...photo, url: null })), wishes: wishes.value }));
  } catch {
    // Without storage a reload starts afresh; nothing else is lost.
  }
}

const EMPTY = { id: null, url: null, width: 0, height: 0, share: 0, trouble: null, clicks: [] as Click[], mask: null };
const bare = (name: string) => name.replace(/\.[^.]+$/, "").replace(/[_-]+/g, " ").trim() || "Model";
// crypto.randomUUID is missing where the page came over plain HTTP from another machine.
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("");

function sizeOf(url: string): Promise<{ width: number; height: number }> {
  return new Promise((resolve) => {
    const image = new Image();
    image.addEventListener("load", () => resolve({ width: image.naturalWidth, height: image.naturalHeight }));
    image.addEventListener("error", () => resolve({ width: 0, height: 0 }));
    image.src = url;
  });
}
