// What a model is for, and how well it shall be made: the choices and their words.

import type { Quality } from "../server/types";

export interface Choice<Value extends string> {
  value: Value;
  name: string;
  about: string;
}

export const TARGETS: Choice<string>[] = [
  { value: "", name: "Just a model", about: "No limits, all formats" },
  { value: "web", name: "Web shop", about: "Small, loads at once" },
  { value: "ar", name: "AR on a phone", about: "Stands in the room, true to size" },
  { value: "print", name: "3D print", about: "Closed, walls thick enough" },
  { value: "game", name: "Game", about: "Few faces, one texture" },
];

export const QUALITIES: Choice<Quality>[] = [
  { value: "draft", name: "Quick", about: "A first look in seconds" },
  { value: "standard", name: "Standard", about: "Good for most things" },
  { value: "high", name: "Fine", about: "Takes several times as long" },
];

const USES: Record<string, string> = { web: "the web", ar: "AR", print: "3D printing", game: "games" };

export const targetName = (target: string): string => USES[target] ?? target;
export const needsHeight = (target: string): boolean => target === "ar" || target === "print";

export const FORMATS: Record<string, { name: string; about: string }> = {
  glb: { name: "GLB", about: "Web, Android, Blender, game engines" },
  usdz: { name: "USDZ", about: "iPhone and iPad" },
  obj: { name: "OBJ", about: "Older programs, with its textures" },
  stl: { name: "STL", about: "3D printing, shape only" },
  "3mf": { name: "3MF", about: "3D printing, in colour" },
  ply: { name: "PLY", about: "Point and scan tools" },
};
export const ALL_FORMATS = Object.keys(FORMATS);
