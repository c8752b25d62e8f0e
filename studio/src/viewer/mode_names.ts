// The ways to look at a model, by name; apart from their materials, so that the page needs no three.js to offer them.

export type Mode = "photo" | "shaded" | "normals" | "wireframe" | "uv" | "seen";

export const MODES: { value: Mode; name: string; about: string }[] = [
  { value: "photo", name: "Photo", about: "With its colours" },
  { value: "shaded", name: "Shaded", about: "The bare shape" },
  { value: "normals", name: "Normals", about: "Colour shows where the surface faces" },
  { value: "wireframe", name: "Wireframe", about: "The edges of its faces" },
  { value: "uv", name: "UV", about: "How the texture lies on it" },
  { value: "seen", name: "Seen or inferred", about: "What the photo showed, and what was guessed" },
];

/** Blue and orange are told apart by nearly everyone; stripes say it once more. */
export const SEEN = "#3f7fb5";
export const INFERRED = "#e0903d";
