// Which side of the model's nature is shown.

import { INFERRED, MODES, SEEN, type Mode } from "../viewer/mode_names";

export function ModeBar({ mode, onChange }: { mode: Mode; onChange: (mode: Mode) => void }) {
  const about = MODES.find((one) => one.value === mode)!.about;
  return (
    <div class="mode-bar">
      <div class="switch scroll" role="group" aria-label="How to look at it">
        {MODES.map(({ value, name }) => (
          <button type="button" key={value} aria-pressed={value === mode} onClick={() => onChange(value)}>
            {name}
          </button>
        ))}
      </div>
      {mode === "seen" ? (
        <p class="legend quiet">
          <span class="swatch" style={{ background: SEEN }} /> seen in the photo
          <span class="swatch striped" style={{ background: INFERRED }} /> inferred, a guess
        </p>
      ) : (
        <p class="legend quiet">{about}</p>
      )}
    </div>
  );
}
