// The stages in the words of someone who wants a model, in the order in which they come.

export interface Stage {
  id: string;
  name: string;
  about: string;
}

const FIND: Stage = { id: "segment", name: "Finding the object", about: "What is object, what is background" };
const SHAPE: Stage = { id: "reconstruct", name: "Building the shape", about: "Front, sides and back" };
const SURFACE: Stage = { id: "surface", name: "Closing the surface", about: "One skin without holes" };
const FINISH: Stage = { id: "finish", name: "Tidying up", about: "Smooth, upright, light to load" };
const TEXTURE: Stage = { id: "texture", name: "Painting it", about: "Colours from the photo" };
const CHECK: Stage = { id: "check", name: "Checking and saving", about: "Quality report and files" };
const POSE: Stage = { id: "pose", name: "Finding the camera", about: "Where each photo was taken" };

const SAME: Record<string, string> = { read: "segment", intake: "segment", write: "check", outputs: "check", finished: "check" };

export function stagesFor(together: boolean): Stage[] {
  return together ? [FIND, POSE, SHAPE, SURFACE, FINISH, TEXTURE, CHECK] : [FIND, SHAPE, SURFACE, FINISH, TEXTURE, CHECK];
}

/** Which of the shown stages a stage of the server belongs to. */
export const shownStage = (stage: string | null | undefined): string | null => (stage ? (SAME[stage] ?? stage) : null);

export function stageName(stage: string | null | undefined): string {
  const shown = shownStage(stage);
  return stagesFor(true).find((one) => one.id === shown)?.name ?? "Getting ready";
}
