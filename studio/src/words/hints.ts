// What to do now, in this page's own words: the server's hints name options of the command line.

const HINTS: Record<string, string> = {
  "nothing-in-picture": "Take a photo with one clear object, or click on the object where you bring the photo.",
  "no-objects": "Take a photo with one clear object, or click on the object where you bring the photo.",
  "scene-not-object": "This looks like a place rather than a thing. Take a photo of one object.",
  "too-few-views": "Add photos from more sides, each overlapping the one before, or make a model of each photo.",
  "photos-without-detail": "Plain and shiny things give too little to hold on to. Put the thing on a printed page or newspaper, and take the photos again.",
  "over-time-limit": "Choose “Quick”, or bring fewer photos.",
  "over-memory-limit": "Choose “Quick”, or bring fewer or smaller photos.",
  "no-scale": "Make it again with a height.",
  "scale-unknown": "Make it again with a height.",
  "too-many-faces": "Make it again for its use, without other wishes.",
  "texture-too-large": "Make it again for its use, without other wishes.",
  "file-too-large": "Make it again as “Quick”, or for the web.",
  "too-large": "Make it again with a smaller height, or print it in pieces.",
  "thin-walls": "Make it again with a larger height.",
};

/** Our own words where there are some; else the server's, unless they speak of command-line options. */
export function hintFor(code: string, hint: string): string {
  return HINTS[code] ?? (/(^|\s)--[a-z]/.test(hint) ? "" : hint);
}
