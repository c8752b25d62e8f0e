// Cameras that move together: what one stage shows, all others of the link show too.

import type { Pose, Stage } from "./stage";

export class Link {
  private readonly stages = new Set<Stage>();
  private last: Pose | null = null;

  add(stage: Stage): () => void {
    this.stages.add(stage);
    if (this.last) stage.pose = this.last;
    stage.onPose = (pose) => {
      this.last = pose;
      for (const other of this.stages) if (other !== stage) other.pose = pose;
    };
    return () => void this.stages.delete(stage);
  }
}
