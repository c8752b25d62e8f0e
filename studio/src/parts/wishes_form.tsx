// What the model is for, how big the thing is, and how much time it may take.

import { photos, sidesOf, wish, wishes, type Wishes } from "../state/draft";
import { needsHeight, QUALITIES, TARGETS } from "../words/targets";
import { Choices } from "./choices";

const TOGETHER = { value: "together", name: "One model", about: "Photos from all around, each overlapping the next" };
const SIDES = { value: "sides", name: "A model of its sides", about: "A photo for each side; they need not overlap" };
const EACH = { value: "each", name: "A model each", about: "Every photo shows another thing" };

export function WishesForm() {
  const { set, turned, target, quality, height, unit } = wishes.value;
  const several = photos.value.length > 1;
  const named = sidesOf(photos.value.length) !== undefined;
  return (
    <div class="stack wide">
      {several && (
        <Choices legend={`${photos.value.length} photos become`} name="set" choices={named ? [TOGETHER, SIDES, EACH] : [TOGETHER, EACH]} value={set === "sides" && !named ? "together" : set} onChange={(value) => wish({ set: value as Wishes["set"] })} />
      )}
      {several && (set === "together" || (set === "sides" && !named)) && (
        <label class="tick">
          <input type="checkbox" checked={turned} onChange={(event) => wish({ turned: event.currentTarget.checked })} />
          <span>
            I turned the thing, the camera stood still
            <span class="quiet"> (so the background does not count)</span>
          </span>
        </label>
      )}
      <Choices legend="What is it for?" name="target" choices={TARGETS} value={target} onChange={(value) => wish({ target: value })} />
      <div class="field">
        <label for="height">
          How tall is it? <span class="quiet">{needsHeight(target) ? "Needed, to be true to size" : "If you know"}</span>
        </label>
        <div class="joined">
          <input id="height" name="height" type="number" min="0" step="any" inputMode="decimal" placeholder="12" value={height} onInput={(event) => wish({ height: event.currentTarget.value })} />
          <select aria-label="Unit of the height" value={unit} onChange={(event) => wish({ unit: event.currentTarget.value as typeof unit })}>
            <option value="mm">mm</option>
            <option value="cm">cm</option>
            <option value="m">m</option>
            <option value="in">inch</option>
          </select>
        </div>
      </div>
      <Choices legend="How well?" name="quality" look="row" choices={QUALITIES} value={quality} onChange={(value) => wish({ quality: value })} />
    </div>
  );
}
